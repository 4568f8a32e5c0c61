import { paths } from "../places.ts";
import type { Fault } from "./fault.ts";

const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/githubapps.getabako.dev";

/** clusterFaults: what the cluster and the installation may lack. */
export const clusterFaults: readonly Fault[] = [
  {
    title: "The CRDs are of an older release",
    plant: (stage) =>
      stage.edit(crd, (draft) => void delete draft.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.apiUrl),
    finds: { verdict: "FAIL", object: /^crd\/githubapps$/, check: "schema", says: /lacks spec\.apiUrl/, advises: /crds\// },
  },
  {
    title: "A CRD has the fields of this release, and other limits",
    plant: (stage) =>
      stage.edit(
        crd,
        (draft) => void (draft.spec.versions[0].schema.openAPIV3Schema.properties.status.properties.slug.maxLength = 10),
      ),
    finds: { verdict: "FAIL", object: /^crd\/githubapps$/, check: "schema", says: /rules or limits/, advises: /crds\// },
  },
  {
    title: "The operator's role lacks a right",
    plant: (stage) =>
      stage.edit(
        paths.role,
        (draft) =>
          void (draft.rules = draft.rules.filter(
            ({ resources }: { resources: string[] }) => !resources.includes("githubapps/status"),
          )),
      ),
    finds: {
      verdict: "FAIL",
      object: /^operator$/,
      check: "rights",
      says: /may not: patch githubapps\/status/,
      advises: /rbac\.create/,
    },
  },
  {
    title: "The operator is scaled to 0",
    plant: (stage) => {
      stage.later(() => stage.podsReady(true));
      return stage.edit(paths.deployment, (draft) => void (draft.spec.replicas = 0));
    },
    finds: { verdict: "FAIL", object: /^operator$/, check: "deployment", says: /scaled to 0/, advises: /kubectl scale/ },
  },
  {
    title: "The operator's pods are not ready",
    plant: async (stage) => {
      stage.later(() => stage.podsReady(true));
      await stage.podsReady(false);
    },
    finds: { verdict: "FAIL", object: /^operator$/, check: "deployment", says: /no ready pod/, advises: /kubectl describe pods/ },
  },
  {
    title: "The chart is not installed",
    plant: (stage) => stage.edit(paths.deployment, (draft) => void delete draft.metadata.labels?.["app.kubernetes.io/part-of"]),
    finds: {
      verdict: "FAIL",
      object: /^operator$/,
      check: "deployment",
      says: /no operator is installed/,
      advises: /install the chart/,
    },
  },
  {
    title: "The leader hangs: its Lease is not renewed",
    plant: (stage) =>
      stage.edit(
        paths.lease,
        (draft) => void (draft.spec.renewTime = new Date(Date.now() - 600_000).toISOString().replace("Z", "000Z")),
      ),
    finds: { verdict: "FAIL", object: /^operator$/, check: "lease", says: /has not renewed/, advises: /kubectl logs/ },
  },
  {
    title: "No operator leads",
    plant: (stage) => stage.edit(paths.lease, (draft) => void (draft.spec.holderIdentity = "")),
    finds: { verdict: "FAIL", object: /^operator$/, check: "lease", says: /nobody holds/, advises: /kubectl logs/ },
  },
];
