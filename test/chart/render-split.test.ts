import { describe, expect, it } from "vitest";
import { deployment, only, render, type Rendered, type ServiceSpec } from "./helm.ts";

const argsOf = (objects: readonly Rendered[], name: string): readonly string[] =>
  deployment(objects, name).template.spec.containers[0].args;
const namesOf = (objects: readonly Rendered[], kind: string): string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);

describe("intake and controllers apart", async () => {
  const objects = await render({ values: { mode: "split", watchNamespaces: ["b", "a"] } });

  it("are two Deployments, each with the options of its role alone", () => {
    expect(namesOf(objects, "Deployment")).toEqual(["getabako-intake", "getabako-controller"]);
    expect(argsOf(objects, "getabako-intake")).toEqual([
      "run",
      "--roles=intake",
      "--watch-namespace=a,b",
      "--webhook-port=8080",
      "--telemetry-port=9090",
      "--log-level=info",
    ]);
    expect(argsOf(objects, "getabako-controller")).toEqual([
      "run",
      "--roles=controller",
      "--lease-name=getabako",
      "--watch-namespace=a,b",
      "--telemetry-port=9090",
      "--workers=32",
      "--aws-rate-factor=1",
      "--log-level=info",
    ]);
  });

  it("have a webhook Service that leads to the intake, and one for the metrics of both", () => {
    const pods = (name: string) => deployment(objects, name).template.metadata.labels;
    const selector = (name: string) => (only(objects, "Service", name).spec as ServiceSpec).selector;
    expect(pods("getabako-intake")).toMatchObject(selector("getabako"));
    expect(pods("getabako-controller")).not.toMatchObject(selector("getabako"));
    for (const name of ["getabako-intake", "getabako-controller"]) {
      expect(pods(name)).toMatchObject(selector("getabako-metrics"));
      expect(pods(name)).toMatchObject(deployment(objects, name).selector.matchLabels);
    }
    const test = only(objects, "Pod").metadata.labels;
    for (const name of ["getabako", "getabako-metrics"]) expect(test).not.toMatchObject(selector(name));
    const ports = (name: string) => deployment(objects, name).template.spec.containers[0].ports.map((port) => port.name);
    expect(ports("getabako-intake")).toEqual(["webhook", "metrics"]);
    expect(ports("getabako-controller")).toEqual(["metrics"]);
  });

  it("keep the account that has the rights at AWS for the controllers", async () => {
    const annotations = { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/getabako" };
    const given = await render({ values: { mode: "split", serviceAccount: { annotations } } });
    expect(only(given, "ServiceAccount", "getabako").metadata.annotations).toEqual(annotations);
    expect(only(given, "ServiceAccount", "getabako-intake").metadata.annotations).toBeUndefined();
    expect(deployment(given, "getabako-controller").template.spec.serviceAccountName).toBe("getabako");
    expect(deployment(given, "getabako-intake").template.spec.serviceAccountName).toBe("getabako-intake");
  });

  it("have a budget each, and none where a drain would never end", async () => {
    expect(namesOf(objects, "PodDisruptionBudget")).toEqual(["getabako-intake", "getabako-controller"]);
    const single = await render({ values: { mode: "split", controller: { replicas: 1 } } });
    expect(namesOf(single, "PodDisruptionBudget")).toEqual(["getabako-intake"]);
  });

  it("spread each over its own pods", () => {
    for (const name of ["getabako-intake", "getabako-controller"]) {
      const { selector, template } = deployment(objects, name);
      expect(template.spec.topologySpreadConstraints[0]?.labelSelector).toEqual({ matchLabels: selector.matchLabels });
    }
  });
});

describe("objects of other APIs", async () => {
  const values = {
    crds: { install: false },
    httpRoute: { enabled: true, parentRefs: [{ name: "public", namespace: "gateways" }], hostnames: ["ci.example.com"] },
    metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true }, prometheusRule: { enabled: true } },
  };
  const objects = await render({ values });

  // These were looked at with the CRDs of Gateway API 1.3 and of the Prometheus operator 0.85.
  it("lead POST /webhook to the Service, and nothing else", () => {
    expect(only(objects, "HTTPRoute")).toMatchObject({ apiVersion: "gateway.networking.k8s.io/v1" });
    expect(only(objects, "HTTPRoute").spec).toEqual({
      parentRefs: [{ name: "public", namespace: "gateways" }],
      hostnames: ["ci.example.com"],
      rules: [
        {
          matches: [{ path: { type: "Exact", value: "/webhook" }, method: "POST" }],
          backendRefs: [{ name: "getabako", port: 80 }],
        },
      ],
    });
  });

  it("have the pods scraped by their Service, or without one", () => {
    const endpoint = { port: "metrics", path: "/metrics", interval: "30s", scrapeTimeout: "10s" };
    const shared = {
      jobLabel: "app.kubernetes.io/instance",
      namespaceSelector: { matchNames: ["runners"] },
      podTargetLabels: ["app.kubernetes.io/component"],
    };
    const labels = { "app.kubernetes.io/name": "getabako", "app.kubernetes.io/instance": "getabako" };
    expect(only(objects, "ServiceMonitor").spec).toEqual({
      ...shared,
      selector: { matchLabels: { ...labels, "app.kubernetes.io/component": "metrics" } },
      endpoints: [endpoint],
    });
    expect(only(objects, "Service", "getabako-metrics").metadata.labels).toMatchObject({
      ...labels,
      "app.kubernetes.io/component": "metrics",
    });
    expect(only(objects, "PodMonitor").spec).toEqual({
      ...shared,
      selector: { matchLabels: { ...labels, "app.kubernetes.io/component": "operator" } },
      podMetricsEndpoints: [endpoint],
    });
    for (const kind of ["ServiceMonitor", "PodMonitor", "PrometheusRule"]) {
      expect(only(objects, kind).apiVersion).toBe("monitoring.coreos.com/v1");
    }
  });
});

describe("the NetworkPolicy", () => {
  const policy = async (networkPolicy: object, more: object = {}): Promise<Rendered[]> =>
    (await render({ values: { networkPolicy: { enabled: true, ...networkPolicy }, ...more } })).filter(
      ({ kind }) => kind === "NetworkPolicy",
    );
  const tester = {
    podSelector: {
      matchLabels: {
        "app.kubernetes.io/component": "test",
        "app.kubernetes.io/instance": "getabako",
        "app.kubernetes.io/name": "getabako",
      },
    },
  };
  const dns = {
    ports: [
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "TCP" },
    ],
  };
  const https = {
    ports: [
      { port: 443, protocol: "TCP" },
      { port: 6443, protocol: "TCP" },
    ],
  };

  it("admits webhooks from everywhere, metrics for nobody but helm test, and calls to DNS and HTTPS", async () => {
    const [only] = await policy({});
    expect(only?.spec).toMatchObject({
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        { ports: [{ port: "webhook", protocol: "TCP" }] },
        { ports: [{ port: "metrics", protocol: "TCP" }], from: [tester] },
      ],
      egress: [dns, https],
    });
  });

  it("admits who is named, and helm test", async () => {
    const [hooks, scrape] = [{ ipBlock: { cidr: "192.30.252.0/22" } }, { namespaceSelector: {} }];
    const [only] = await policy({ webhookFrom: [hooks], metricsFrom: [scrape] });
    expect(only?.spec).toMatchObject({ ingress: [{ from: [hooks, tester] }, { from: [scrape, tester] }] });
  });

  it("has no webhook for the controllers", async () => {
    const [intake, controller] = await policy({}, { mode: "split" });
    expect(JSON.stringify(intake?.spec)).toContain("webhook");
    expect(JSON.stringify(controller?.spec)).not.toContain("webhook");
    const [, closed] = await policy({}, { mode: "split", helmTest: { enabled: false } });
    expect(closed?.spec).toMatchObject({ ingress: [] });
  });
});

describe("the roles for people", async () => {
  const roles = (objects: readonly Rendered[]): Rendered[] =>
    objects.filter(
      ({ kind, metadata }) =>
        kind === "ClusterRole" && Object.keys(metadata.labels).some((label) => label.includes("aggregate-to-")),
    );
  const verbs = (rules: unknown): Record<string, string> =>
    Object.fromEntries(
      (rules as { resources: string[]; verbs: string[] }[]).flatMap((rule) =>
        rule.resources.map((resource) => [resource, rule.verbs.join(",")]),
      ),
    );

  it("let a viewer see all, an editor write targets and requests, and an admin Apps and classes", async () => {
    const write = "create,delete,deletecollection,patch,update";
    const read = "get,list,watch";
    const found = roles(await render()).map(({ metadata, rules }) => [
      metadata.name,
      Object.keys(metadata.labels).flatMap((label) => label.split("aggregate-to-")[1] ?? []),
      verbs(rules),
    ]);
    expect(found).toEqual([
      [
        "getabako-viewer",
        ["view", "edit", "admin"],
        { githubapps: read, ecsrunnerclasses: read, runnertargets: read, runnerrequests: read },
      ],
      ["getabako-editor", ["edit", "admin"], { runnertargets: write, runnerrequests: write }],
      ["getabako-admin", ["admin"], { githubapps: write, ecsrunnerclasses: write }],
    ]);
  });

  it("belong to the cluster, so they are left out where it gives no rights, unless they are asked for", async () => {
    const names = async (values: object): Promise<number> => roles(await render({ values })).length;
    expect(await names({ watchNamespace: "ci" })).toBe(0);
    expect(await names({ watchNamespace: "ci", rbac: { userRoles: "Always" } })).toBe(3);
    expect(await names({ rbac: { userRoles: "Never" } })).toBe(0);
    expect(await names({ rbac: { create: false } })).toBe(0);
  });
});

describe("extra objects", () => {
  it("may be YAML or text, with templates", async () => {
    const values = {
      extraObjects: [
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: '{{ include "getabako.fullname" . }}-a' } },
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-b\n",
      ],
    };
    expect(namesOf(await render({ release: "ci", values }), "ConfigMap")).toEqual(["ci-getabako-a", "ci-b"]);
  });
});
