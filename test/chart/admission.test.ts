import { beforeAll, describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { chart, deployment, only, render, renderText, tryHelm } from "./helm.ts";

const cluster = testCluster();
const asList = (items: readonly object[]): string => JSON.stringify({ apiVersion: "v1", kind: "List", items });
const dryRun = ["--dry-run=server", "--validate=strict", "-o", "name", "-f", "-"];

/** A namespace that lets only restricted pods in, with the ServiceAccount that a dry run does not make. */
let namespace: string;
beforeAll(async () => {
  namespace = await cluster.namespace("chart");
  await cluster.kubectl(["label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"]);
  await cluster.kubectl(["create", "serviceaccount", "getabako", "-n", namespace]);
});

/** The pods of the release: those of the Deployments, and the one of `helm test`, which needs no ServiceAccount of its own. */
async function pods(values: object): Promise<object[]> {
  const objects = await render({ namespace, values });
  const test = only(objects, "Pod");
  return [
    ...objects
      .filter(({ kind }) => kind === "Deployment")
      .map(({ metadata: { name, labels } }) => {
        const { metadata, spec } = deployment(objects, name).template;
        const serviceAccountName = "getabako";
        return {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { ...metadata, name: labels["app.kubernetes.io/component"], namespace },
          spec: { ...spec, serviceAccountName },
        };
      }),
    { ...test, spec: { ...(test.spec as object), serviceAccountName: "getabako" } },
  ];
}

describe("the API server", () => {
  it.each<[string, object]>([
    ["the defaults", {}],
    ["one namespace and an Ingress", { watchNamespace: "default", ingress: { enabled: true, host: "getabako.example.com" } }],
    [
      "all kinds of additions",
      {
        replicas: 1,
        secrets: { namespaces: ["default"], names: ["github-app"] },
        service: { type: "LoadBalancer" },
        extraEnv: [{ name: "A", valueFrom: { secretKeyRef: { name: "a", key: "b", optional: true } } }],
        extraVolumes: [{ name: "ca", configMap: { name: "corp-ca" } }],
        extraVolumeMounts: [{ name: "ca", mountPath: "/etc/corp-ca", readOnly: true }],
        podLabels: { team: "ci" },
        podAnnotations: { note: "a" },
        tolerations: [{ key: "system", operator: "Exists" }],
      },
    ],
    [
      "intake and controllers apart, a NetworkPolicy, a proxy, and objects of the user's own",
      {
        mode: "split",
        fullnameOverride: "a-name-as-long-as-the-chart-lets-it-be-which-is-52-ch",
        watchNamespaces: ["default", "kube-public"],
        commonLabels: { "example.com/team": "ci" },
        rbac: { userRoles: "Always" },
        networkPolicy: {
          enabled: true,
          webhookFrom: [{ ipBlock: { cidr: "192.30.252.0/22" } }],
          metricsFrom: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
          egress: { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], extra: [{ ports: [{ port: 3128 }] }] },
        },
        proxy: { httpsProxy: "http://proxy.example.com:3128", noProxy: "10.0.0.0/8", secretName: "proxy" },
        caBundle: { configMap: "corp-ca" },
        metrics: { dashboard: { enabled: true } },
        helmTest: { appId: 123_456 },
        extraObjects: [
          { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "of-{{ .Release.Name }}", namespace: "default" } },
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: as-text, namespace: default}\n",
        ],
      },
    ],
    [
      "nothing but a policy that admits nobody",
      { networkPolicy: { enabled: true, egress: { ports: [] } }, helmTest: { enabled: false } },
    ],
  ])("accepts every object with %s, without a warning", async (_, values) => {
    const objects = await render({ namespace, values });
    const result = await cluster.tryKubectl(
      ["apply", "--server-side", "--force-conflicts", "--field-manager=helm", ...dryRun],
      asList(objects),
    );
    expect(result.stderr).toBe("");
    expect(result.stdout.trim().split("\n")).toHaveLength(objects.length);
  });

  it("admits the pods to a namespace that enforces the Pod Security Standard restricted", async () => {
    const { stdout, stderr } = await cluster.tryKubectl(["create", ...dryRun], asList(await pods({})));
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual(["pod/operator", "pod/getabako-test"]);
    const split = await cluster.tryKubectl(
      ["create", ...dryRun],
      asList(await pods({ mode: "split", caBundle: { configMap: "a" } })),
    );
    expect(split.stderr).toBe("");
    expect(split.stdout.trim().split("\n")).toEqual(["pod/intake", "pod/controller", "pod/getabako-test"]);
  });

  it("keeps pods out of it whose security context was loosened", async () => {
    const { stderr } = await cluster.tryKubectl(
      ["create", ...dryRun],
      asList(await pods({ securityContext: { allowPrivilegeEscalation: true } })),
    );
    expect(stderr.match(/violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/g)).toHaveLength(2);
  });
});

describe("NOTES.txt", () => {
  const notes = async (values: object = {}): Promise<string> => {
    // Helm 3 looks at the cluster even so, where the kinds belong to no release.
    const connection = ["--kubeconfig", cluster.kubeconfig, "--namespace", namespace];
    const args = ["install", "ci", chart, ...connection, "--dry-run=client", "--values", "-"];
    const { code, stdout, stderr } = await tryHelm(args, JSON.stringify({ crds: { install: false }, ...values }));
    expect(stderr).not.toContain("Error");
    expect(code).toBe(0);
    return stdout.slice(stdout.indexOf("NOTES:"));
  };

  it.each<[string, object, string]>([
    ["the Service", {}, "http://ci-getabako.NAMESPACE.svc:80/webhook"],
    ["the Ingress", { ingress: { enabled: true, host: "ci.example.com" } }, "https://ci.example.com/webhook"],
    ["the load balancer", { service: { type: "LoadBalancer" } }, "kubectl get service ci-getabako --namespace NAMESPACE"],
  ])("names the webhook URL of %s", async (_, values, expected) => {
    expect(await notes(values)).toContain(expected.replace("NAMESPACE", namespace));
  });

  it("warns of an image that no node can pull", async () => {
    expect(await notes()).toContain("image.repository is localhost/getabako");
    expect(await notes({ image: { repository: "r.example.com/getabako" } })).not.toContain("image.repository");
  });

  it("gives objects that the API server accepts once the words in capitals are filled in", async () => {
    const text = await notes({ secrets: { names: ["acme-app"] } });
    const filled = text.replace("APP-ID", "123").replace("EXECUTION-ROLE-ARN", "arn:aws:iam::123456789012:role/execution");
    const objects = [...filled.matchAll(/<<'END'\n(.*?)\n +END\n/gs)].map(([, yaml]) =>
      (yaml ?? "")
        .replace("REGION", "eu-west-1")
        .replace("ECS-CLUSTER", "runners")
        .replace("SUBNET-ID", "subnet-0a1b2c3d")
        .replace("SECURITY-GROUP-ID", "sg-0a1b2c3d")
        .replace("ORGANIZATION", "acme"),
    );
    expect(objects).toHaveLength(3);
    const { stdout, stderr } = await cluster.tryKubectl(["create", ...dryRun], objects.map(dedent).join("\n---\n"));
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "githubapp.getabako.dev/github",
      "ecsrunnerclass.getabako.dev/fargate",
      "runnertarget.getabako.dev/default",
    ]);
    expect(text).toContain(`kubectl create secret generic acme-app --namespace ${namespace}`);
    expect(objects[0]).toContain("privateKeySecretRef: {name: acme-app, key: private-key.pem}");
  });

  it("speaks of the namespace that is served", async () => {
    const text = await notes({ watchNamespace: "team-a" });
    expect(text).toContain("the objects of team-a");
    expect(text).toContain("kubectl create secret generic github-app --namespace team-a");
    expect(await notes({ watchNamespaces: ["team-b", "team-a"] })).toContain("the objects of team-a, team-b");
  });

  it("say which settings do less than they seem to", async () => {
    expect(await notes()).not.toContain("WARNING");
    const both = { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } };
    expect(await notes(both)).toContain("counts every pod twice");
    expect(await notes({ networkPolicy: { enabled: true }, metrics: { podMonitor: { enabled: true } } })).toContain(
      "networkPolicy.metricsFrom",
    );
    expect(await notes({ mode: "split" })).toContain("may read private keys");
    expect(await notes({ mode: "split", intake: { secretNames: ["hooks"] } })).not.toContain("may read private keys");
  });

  it("is left out of what `helm template` prints", async () => {
    expect(await renderText()).not.toContain("Three steps");
  });
});

function dedent(text: string): string {
  const indent = /^ */.exec(text)?.[0].length ?? 0;
  return text
    .split("\n")
    .map((line) => line.slice(indent))
    .join("\n");
}
