import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { everything } from "./everything.ts";
import {
  asCluster,
  chart,
  deployment,
  only,
  type PodSpec,
  render,
  renderText,
  type Rendered,
  type ServiceSpec,
  tryHelm,
} from "./helm.ts";

const manifest = JSON.parse(await readFile(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8")) as {
  version: string;
};
const pod = (objects: readonly Rendered[]) => deployment(objects).template;
const testContainer = (objects: readonly Rendered[]) => (only(objects, "Pod").spec as PodSpec).containers[0];
const container = (objects: readonly Rendered[]) => pod(objects).spec.containers[0];
const listed = (objects: readonly Rendered[]): string[] =>
  objects
    .filter(({ kind }) => kind !== "CustomResourceDefinition")
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? "-"}/${metadata.name}`)
    .toSorted();

describe("the chart", () => {
  it.each([
    ["the defaults", {}],
    ["everything that can be set", everything],
  ])("passes helm lint --strict with %s", async (_, values) => {
    const { code, stdout, stderr } = await tryHelm(
      ["lint", "--strict", chart, "--values", "-", ...asCluster],
      JSON.stringify(values),
    );
    expect(stdout + stderr).toContain("1 chart(s) linted, 0 chart(s) failed");
    expect(code).toBe(0);
  });

  it("has the version of the program", async () => {
    const manifest = JSON.parse(await readFile(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8")) as object;
    const { version, appVersion } = parse(await readFile(join(chart, "Chart.yaml"), "utf8")) as Record<string, string>;
    expect(manifest).toMatchObject({ version: appVersion });
    expect(version).toBe(appVersion);
  });

  it("makes these objects and no others", async () => {
    expect(listed(await render())).toEqual([
      "ClusterRole -/getabako",
      "ClusterRole -/getabako-admin",
      "ClusterRole -/getabako-editor",
      "ClusterRole -/getabako-viewer",
      "ClusterRoleBinding -/getabako",
      "Deployment runners/getabako",
      "Lease runners/getabako",
      "Pod runners/getabako-test",
      "PodDisruptionBudget runners/getabako",
      "Role runners/getabako-leader-election",
      "Role runners/getabako-secrets",
      "RoleBinding runners/getabako-leader-election",
      "RoleBinding runners/getabako-secrets",
      "Service runners/getabako",
      "Service runners/getabako-metrics",
      "ServiceAccount runners/getabako",
    ]);
  });

  it("makes nothing of the cluster's when it serves one namespace", async () => {
    expect(listed(await render({ values: everything }))).toEqual([
      "Deployment runners/getabako",
      "Ingress runners/getabako",
      "Lease runners/getabako",
      "Pod runners/getabako-test",
      "PodDisruptionBudget runners/getabako",
      "Role ci/getabako",
      "Role ci/getabako-secrets",
      "Role platform/getabako-secrets",
      "Role runners/getabako-leader-election",
      "RoleBinding ci/getabako",
      "RoleBinding ci/getabako-secrets",
      "RoleBinding platform/getabako-secrets",
      "RoleBinding runners/getabako-leader-election",
      "Service runners/getabako",
      "Service runners/getabako-metrics",
      "ServiceAccount runners/runner-operator",
    ]);
  });

  it.each([{}, everything])("gives the same bytes each time", async (values) => {
    expect(await renderText({ values })).toBe(await renderText({ values }));
  });

  it("reads nothing from the cluster and makes up no secrets", async () => {
    const text = await renderText({ values: everything });
    expect(text).not.toContain("kind: Secret\n");
    for (const file of ["_helpers.tpl", "deployment.yaml", "rbac.yaml", "service.yaml", "NOTES.txt"]) {
      expect(await readFile(join(chart, "templates", file), "utf8")).not.toMatch(
        /\b(lookup|rand\w+|genCA|genPrivateKey|now|uuidv4)\b/,
      );
    }
  });

  it("installs the kinds so that they survive an uninstall, or not at all", async () => {
    const kinds = (await render()).filter(({ kind }) => kind === "CustomResourceDefinition");
    expect(kinds.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      ["ecsrunnerclasses", "githubapps", "runnerrequests", "runnertargets"].map((plural) => `${plural}.getabako.dev`),
    );
    for (const { metadata } of kinds) expect(metadata.annotations?.["helm.sh/resource-policy"]).toBe("keep");
    expect(await renderText({ values: { crds: { install: false } } })).not.toContain("CustomResourceDefinition");
  });

  it("names everything after the release, and leaves room for suffixes", async () => {
    const names = async (release: string, values: object = {}) =>
      listed(await render({ release, values })).filter((name) => name.startsWith("Service "));
    expect(await names("ci")).toEqual(["Service runners/ci-getabako", "Service runners/ci-getabako-metrics"]);
    expect(await names("ci", { nameOverride: "shoes" })).toEqual([
      "Service runners/ci-shoes",
      "Service runners/ci-shoes-metrics",
    ]);
    expect(await names("ci", { fullnameOverride: "shoes" })).toEqual(["Service runners/shoes", "Service runners/shoes-metrics"]);
    for (const name of await names("r".repeat(53))) expect(name.length).toBeLessThanOrEqual("Service runners/".length + 63);
  });

  it("tells namespaces and releases that look like numbers from numbers", async () => {
    const values = { crds: { install: false }, watchNamespace: "456" };
    const objects = await render({ release: "1e3", namespace: "123", values });
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["123", "456"]));
    for (const { metadata } of objects) expect(metadata.labels["app.kubernetes.io/instance"]).toBe("1e3");
  });
});

describe("the Deployment", () => {
  it("elects a leader under a name of the release, and says who it is", async () => {
    const { args, env } = container(await render({ release: "ci" }));
    expect(args).toEqual([
      "run",
      "--roles=intake,controller",
      "--lease-name=ci-getabako",
      "--webhook-port=8080",
      "--telemetry-port=9090",
      "--workers=32",
      "--aws-rate-factor=1",
      "--log-level=info",
    ]);
    expect(env).toEqual([
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "NODE_OPTIONS", value: "--max-old-space-size=320 --max-semi-space-size=4" },
    ]);
  });

  it("takes everything that can be set", async () => {
    const objects = await render({ values: everything });
    expect(container(objects)).toMatchObject({
      image: `registry.example.com:5000/acme/getabako@sha256:${"a".repeat(64)}`,
      imagePullPolicy: "Always",
      args: expect.arrayContaining(["--watch-namespace=ci", "--workers=64", "--log-level=debug"]) as unknown,
      envFrom: everything.extraEnvFrom,
      resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi", cpu: 2 } },
      volumeMounts: everything.extraVolumeMounts,
    });
    expect(container(objects).env.at(-1)).toEqual(everything.extraEnv[0]);
    expect(JSON.stringify(container(objects).env)).not.toContain("NODE_OPTIONS");
    expect(container(objects).lifecycle).toBeUndefined();
    expect(deployment(objects).replicas).toBe(3);
    expect(pod(objects)).toMatchObject({
      metadata: { annotations: { note: "a" }, labels: { cost: "ci" } },
      spec: {
        serviceAccountName: "runner-operator",
        imagePullSecrets: [{ name: "registry" }],
        priorityClassName: "system-cluster-critical",
        terminationGracePeriodSeconds: 60,
        volumes: everything.extraVolumes,
        nodeSelector: everything.nodeSelector,
        tolerations: everything.tolerations,
        affinity: everything.affinity,
      },
    });
  });

  it("fills in the selector of a spread that has none", async () => {
    const objects = await render({ values: everything });
    const [filled, given] = pod(objects).spec.topologySpreadConstraints;
    expect(filled?.labelSelector).toEqual({ matchLabels: deployment(objects).selector.matchLabels });
    expect(given?.labelSelector).toEqual({ matchLabels: { a: "b" } });
  });

  it("lets no label of podLabels take the pods away from their Deployment", async () => {
    const objects = await render({ values: { podLabels: { "app.kubernetes.io/component": "mine" } } });
    expect(pod(objects).metadata.labels).toMatchObject(deployment(objects).selector.matchLabels);
  });

  it("takes the Lease that the chart made, whose holder no upgrade touches", async () => {
    const objects = await render({ release: "ci" });
    const lease = only(objects, "Lease");
    expect(container(objects).args).toContain(`--lease-name=${lease.metadata.name}`);
    expect(Object.keys(lease).toSorted()).toEqual(["apiVersion", "kind", "metadata"]);
  });

  it.each([
    [{ tag: "1.2.3" }, "localhost/getabako:1.2.3"],
    [{ repository: "r.example.com/getabako" }, `r.example.com/getabako:${manifest.version}`],
    [{ tag: "1.2.3", digest: `sha256:${"b".repeat(64)}` }, `localhost/getabako@sha256:${"b".repeat(64)}`],
  ])("runs the image %j", async (image, expected) => {
    const objects = await render({ values: { image } });
    expect(container(objects).image).toBe(expected);
    expect(testContainer(objects).image).toBe(expected);
  });

  it("gives a pod more time to stop than its pause and its work in hand need", async () => {
    const { terminationGracePeriodSeconds } = pod(await render()).spec;
    const { lifecycle } = container(await render());
    // The manager drains for 20 s, then 10 s and 3 s; the Lease takes up to 6 s, and events 5 s.
    expect(terminationGracePeriodSeconds).toBeGreaterThan((lifecycle?.preStop.sleep.seconds ?? 0) + 44);
  });
});

describe("the Services", () => {
  it("lead to the operator's pods alone, and by port names that exist", async () => {
    const objects = await render({ values: everything });
    const ports = container(objects).ports.map(({ name }) => name);
    for (const name of ["getabako", "getabako-metrics"]) {
      const { selector, ports: offered } = only(objects, "Service", name).spec as ServiceSpec;
      expect(pod(objects).metadata.labels).toMatchObject(selector);
      expect(only(objects, "Pod").metadata.labels).not.toMatchObject(selector);
      for (const { targetPort } of offered) expect(ports).toContain(targetPort);
    }
  });

  it("show metrics inside the cluster only", async () => {
    const objects = await render({ values: everything });
    expect(only(objects, "Service", "getabako").spec).toMatchObject({
      type: "NodePort",
      ports: [{ name: "webhook", port: 8000, nodePort: 30_080 }],
    });
    expect(only(objects, "Service", "getabako-metrics").spec).toMatchObject({ type: "ClusterIP", ports: [{ port: 9100 }] });
    expect(only(objects, "Ingress").spec).toEqual({
      ingressClassName: "nginx",
      tls: [{ hosts: ["getabako.example.com"], secretName: "getabako-tls" }],
      rules: [
        {
          host: "getabako.example.com",
          http: {
            paths: [
              { path: "/webhook", pathType: "Exact", backend: { service: { name: "getabako", port: { name: "webhook" } } } },
            ],
          },
        },
      ],
    });
  });

  it("are what `helm test` calls", async () => {
    const { env } = testContainer(await render({ values: everything }));
    expect(env).toEqual([
      { name: "WEBHOOK_URL", value: "http://getabako.runners.svc:8000/webhook" },
      { name: "READY_URL", value: "http://getabako-metrics.runners.svc:9100/readyz" },
      { name: "KINDS_URL", value: "https://kubernetes.default.svc/apis/getabako.dev/v1alpha1" },
      { name: "TOKEN_FILE", value: "/var/run/secrets/kubernetes.io/serviceaccount/token" },
      { name: "NODE_EXTRA_CA_CERTS", value: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" },
    ]);
  });
});

describe("the PodDisruptionBudget", () => {
  it("is there for more than one replica", async () => {
    expect(only(await render(), "PodDisruptionBudget").spec).toMatchObject({ maxUnavailable: 1 });
    expect(only(await render({ values: everything }), "PodDisruptionBudget").spec).toMatchObject({ maxUnavailable: "50%" });
    expect(listed(await render({ values: { replicas: 1 } })).join()).not.toContain("PodDisruptionBudget");
    expect(listed(await render({ values: { podDisruptionBudget: { enabled: false } } })).join()).not.toContain(
      "PodDisruptionBudget",
    );
  });
});

describe("the ServiceAccount", () => {
  it("can be one that exists already", async () => {
    const objects = await render({ values: { serviceAccount: { create: false, name: "theirs" } } });
    expect(listed(objects).join()).not.toContain("ServiceAccount");
    expect(pod(objects).spec.serviceAccountName).toBe("theirs");
    expect(only(objects, "ClusterRoleBinding").subjects).toEqual([
      { kind: "ServiceAccount", name: "theirs", namespace: "runners" },
    ]);
  });

  it("gets no rights where somebody else grants them", async () => {
    expect(listed(await render({ values: { rbac: { create: false } } })).join()).not.toContain("Role");
  });

  it("carries the role of IRSA", async () => {
    const objects = await render({ values: everything });
    expect(only(objects, "ServiceAccount").metadata.annotations).toEqual(everything.serviceAccount.annotations);
  });
});
