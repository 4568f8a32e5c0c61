import { afterAll, onTestFinished } from "vitest";
import type { Condition } from "../../src/kube/conditions.ts";
import { Client } from "../../src/kube/client.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import type { KubeObject, ObjectKey } from "../../src/kube/object.ts";
import { defineResource } from "../../src/kube/resource.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { captureLog, type CapturedLog } from "../support/capture-log.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/** Widget is a kind that nobody but these tests knows: src/kube must not care about kinds. */
export interface Widget extends KubeObject {
  spec?: { size?: number; color?: string };
  status?: { phase?: string; count?: number; note?: string; nested?: { a?: number; b?: number }; conditions?: Condition[] };
}

/** widgets is the resource of Widgets. */
export const widgets = defineResource<Widget>({
  group: "kube.test.example",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
});

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.kube.test.example" },
  spec: {
    group: widgets.group,
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: { size: { type: "integer", maximum: 10 }, color: { type: "string" } },
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
};

/** installWidgets makes the kind known to the API server; suites that run at the same time may all call it. */
export async function installWidgets(cluster: TestCluster): Promise<void> {
  await installWidgetsWith((args, input) => cluster.kubectl(args, input));
}

/** installWidgetsWith does so with a kubectl of one's own. */
export async function installWidgetsWith(kubectl: TestCluster["kubectl"]): Promise<void> {
  await kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(definition));
  await kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd/widgets.kube.test.example"]);
}

/** Connection is a Cluster with its metrics and log at hand. */
export interface Connection {
  readonly cluster: Cluster;
  readonly widgets: Client<Widget>;
  readonly metrics: KubeMetrics;
  readonly log: ReturnType<typeof createLogger>;
  readonly captured: CapturedLog;
  /** The value of a metric with these labels, 0 included; undefined when it has none. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number | undefined>;
}

/** connect opens a connection that ends with the test, or with the suite when it is opened outside of a test. */
export function connect(kubeconfig: string, until: "test" | "suite" = "test"): Connection {
  const captured = captureLog();
  const log = createLogger({ level: "debug", destination: captured.destination });
  const registry = new Registry();
  const metrics = new KubeMetrics(registry);
  const cluster = Cluster.load({ kubeconfig, log, metrics, userAgent: "kube-test" });
  (until === "test" ? onTestFinished : afterAll)(() => cluster.close());
  return {
    cluster,
    widgets: new Client(cluster, widgets),
    metrics,
    log,
    captured,
    metric: async (name, labels = {}) => {
      const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      return values.find((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))?.value;
    },
  };
}

/** widget renders a Widget to create. */
export function widget(namespace: string, name: string, more: Partial<Widget> = {}): Widget {
  const { metadata, ...rest } = more;
  return { apiVersion: "kube.test.example/v1", kind: "Widget", metadata: { namespace, name, ...metadata }, ...rest };
}

/** keyIn is the key of an object in a namespace. */
export function keyIn(namespace: string, name: string): ObjectKey {
  return { namespace, name };
}

/** runInBackground runs something until the test is over and then waits for its end. */
export function runInBackground(runnable: { run(signal: AbortSignal): Promise<void> }): AbortController {
  const stop = new AbortController();
  const run = runnable.run(stop.signal);
  // Looked at below; without this a failure before the end of the test would be reported as unhandled.
  run.catch(() => undefined);
  onTestFinished(async () => {
    stop.abort();
    await run;
  });
  return stop;
}
