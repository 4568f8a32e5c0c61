import { createHmac, randomBytes } from "node:crypto";
import { onTestFinished } from "vitest";
import type { GitHubApp } from "../../src/api/v1alpha1/github-app.ts";
import { githubAppResource, runnerRequestResource, runnerTargetResource } from "../../src/api/v1alpha1/resources.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../src/api/v1alpha1/runner-target.ts";
import { githubAppIndexes, runnerRequestIndexes } from "../../src/intake/indexes.ts";
import { createIntake } from "../../src/intake/intake.ts";
import { gitHubApp, jobPayload, type JobPayload, runnerTarget } from "../../src/intake/test-objects.ts";
import { Client } from "../../src/kube/client.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import { Informer } from "../../src/kube/informer.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import type { DeepReadonly, KubeObject } from "../../src/kube/object.ts";
import { defineResource, type Resource, type Secret, secrets } from "../../src/kube/resource.ts";
import { SecretSource } from "../../src/kube/secret-source.ts";
import { ConnectionMetrics } from "../../src/telemetry/connection-metrics.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { captureLog, type CapturedLog } from "../support/capture-log.ts";
import { FakeClock } from "../support/clock.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import type { TestCluster } from "../support/test-cluster.ts";

const apps = defineResource<GitHubApp>(githubAppResource);
const targets = defineResource<RunnerTarget>(runnerTargetResource);
const requests = defineResource<RunnerRequest>(runnerRequestResource);

/** Answer is what a delivery was answered with. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: { readonly outcome?: string; readonly reason?: string; readonly request?: string };
}

/** Delivery is a delivery that differs from a good one in what a test says. */
export interface Delivery {
  readonly payload?: unknown;
  /** In place of the payload's JSON. */
  readonly body?: string | Uint8Array;
  readonly secret?: string;
  readonly event?: string;
  readonly id?: string;
  /** null leaves a header out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** Receiver is one running replica of intake, with a store, a log and metrics of its own. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly log: CapturedLog;
  readonly registry: Registry;
  readonly clock: FakeClock;
  readonly requests: Informer<RunnerRequest>;
  readonly apps: Informer<GitHubApp>;
  readonly targets: Informer<RunnerTarget>;
  deliver(delivery?: Delivery): Promise<Answer>;
  /** deliverJob posts the workflow_job event of a test job. */
  deliverJob(job?: JobPayload, delivery?: Delivery): Promise<Answer>;
  /** Value of one of getabako's metrics; labels as in the text format. */
  metric(name: string, labels?: string): Promise<number>;
  stop(): Promise<void>;
}

/** World is a namespace with an App, its Secret and a target, ready for receivers. */
export interface World {
  readonly namespace: string;
  readonly appId: number;
  readonly secret: string;
  readonly client: {
    readonly secrets: Client<Secret>;
    readonly apps: Client<GitHubApp>;
    readonly targets: Client<RunnerTarget>;
    readonly requests: Client<RunnerRequest>;
  };
  receiver(options?: ReceiverOptions): Promise<Receiver>;
  /** request reads a RunnerRequest from the API server. */
  request(name: string): Promise<RunnerRequest>;
  requestNames(): Promise<string[]>;
}

export interface ReceiverOptions {
  /** Where its API server is: by default the shared one, otherwise a proxy's kubeconfig. */
  readonly kubeconfig?: string;
  readonly answerWithinMs?: number;
  readonly maxConnections?: number;
  readonly port?: number;
  /** Whether it looks at all namespaces instead of the world's own. */
  readonly everywhere?: boolean;
  /** Whether to return only once the store holds what there is. */
  readonly synced?: boolean;
}

export interface WorldOptions {
  readonly app?: Partial<GitHubApp["spec"]>;
  readonly target?: Partial<RunnerTarget["spec"]>;
}

/** newWorld makes a namespace, an App, its webhook secret and a target; everything that it starts ends with the test. */
export async function newWorld(cluster: TestCluster, options: WorldOptions = {}): Promise<World> {
  const namespace = await cluster.namespace("intake");
  const appId = 100_000 + randomBytes(3).readUIntBE(0, 3);
  const secret = `whsec-${randomBytes(16).toString("hex")}`;
  const admin = connect(cluster.kubeconfig);
  const client = {
    secrets: new Client(admin.cluster, secrets),
    apps: new Client(admin.cluster, apps),
    targets: new Client(admin.cluster, targets),
    requests: new Client(admin.cluster, requests),
  };
  await client.secrets.create(webhookSecret(namespace, "github-app", { "webhook-secret": secret }));
  await client.apps.create(gitHubApp({ appId, ...options.app }, { namespace }));
  await client.targets.create(runnerTarget(options.target ?? {}, { namespace }));
  const world: World = {
    namespace,
    appId,
    secret,
    client,
    receiver: async (how = {}) => await startReceiver(world, cluster, how),
    request: async (name) => await client.requests.get({ namespace, name }),
    requestNames: async () => (await client.requests.list({ namespace })).items.map(({ metadata }) => metadata.name),
  };
  return world;
}

/** webhookSecret makes a Secret with these texts in it. */
export function webhookSecret(namespace: string, name: string, texts: Readonly<Record<string, string>>): Secret {
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, data };
}

/** sign makes the header X-Hub-Signature-256. */
export function sign(secret: string, body: string | Uint8Array): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** faultProxy starts a proxy to the shared API server that ends with the test. */
export async function faultProxy(cluster: TestCluster): Promise<FaultProxy> {
  const proxy = await FaultProxy.start(cluster);
  onTestFinished(async () => await proxy.close());
  return proxy;
}

/** blindfold keeps a receiver's store of requests as it is until the function that it returns is called. */
export function blindfold(proxy: FaultProxy): () => void {
  const held = Promise.withResolvers<void>();
  proxy.inject({ method: "GET", path: /\/runnerrequests\?/ }, { kind: "hold", until: held.promise });
  proxy.cutWatches();
  onTestFinished(() => held.resolve());
  return held.resolve;
}

/** callsAfterSync lists what a receiver asked of its API server beside filling and watching its caches. */
export function callsAfterSync(proxy: FaultProxy): readonly string[] {
  return proxy
    .requests()
    .filter(({ watch, path }) => !watch && !/[?&]limit=/.test(path))
    .map(({ method, path }) => `${method} ${path.split("?", 1)[0]?.replace(/^.*\/namespaces\/[^/]+\//, "")}`);
}

function connect(kubeconfig: string, log = captureLog()) {
  const logger = createLogger({ level: "debug", destination: log.destination });
  const registry = new Registry();
  const metrics = new KubeMetrics(registry);
  const cluster = Cluster.load({ kubeconfig, log: logger, metrics });
  onTestFinished(async () => await cluster.close());
  return { cluster, log, logger, registry, metrics };
}

/** A delivery waits for a Secret that was just named, but a second only: too short on a machine that is busy with everything else. */
export async function secretsAreRead(all: Iterable<DeepReadonly<GitHubApp>>, source: SecretSource): Promise<void> {
  const named = [...all].flatMap(({ metadata, spec }) =>
    spec.webhookSecretRefs.map(({ name }) => ({ namespace: metadata.namespace ?? "", name })),
  );
  await Promise.all(named.map(async (key) => await source.settled(key, AbortSignal.timeout(15_000))));
}

async function startReceiver(world: World, shared: TestCluster, options: ReceiverOptions): Promise<Receiver> {
  const where = options.everywhere === true ? {} : { namespace: world.namespace };
  const { cluster, log, logger, registry, metrics } = connect(options.kubeconfig ?? shared.kubeconfig);
  const informer = <T extends KubeObject>(resource: Resource<T>, indexes = {}) =>
    new Informer<T>({ client: new Client(cluster, resource), log: logger, metrics, ...where, indexes });
  const informers = {
    apps: informer(apps, githubAppIndexes),
    targets: informer(targets),
    requests: informer(requests, runnerRequestIndexes),
  };
  const source = new SecretSource({ cluster, log: logger, metrics });
  const clock = new FakeClock();
  const { server } = createIntake({
    ...informers,
    requestClient: new Client(cluster, requests),
    secrets: source,
    clock,
    log: logger,
    registry,
    port: options.port ?? 0,
    host: "127.0.0.1",
    ...(options.answerWithinMs !== undefined && { answerWithinMs: options.answerWithinMs }),
    ...(options.maxConnections !== undefined && { maxConnections: options.maxConnections }),
    watch: new ConnectionMetrics(registry).watch("webhook", logger),
  });

  const serving = new AbortController();
  const caching = new AbortController();
  const caches = [...Object.values(informers), source].map(async (each) => await each.run(caching.signal));
  if (options.synced !== false) await Promise.all(Object.values(informers).map(async ({ synced }) => await synced));
  const served = server.run(serving.signal);
  const stop = async (): Promise<void> => {
    serving.abort();
    try {
      await served;
    } finally {
      caching.abort();
      await Promise.all(caches);
    }
  };
  onTestFinished(async () => await stop().catch(() => {}));
  await Promise.race([server.ready, served]);
  if (options.synced !== false) await secretsAreRead(informers.apps.store.list(), source);

  const { port } = server.address;
  const url = `http://127.0.0.1:${port}/webhook`;
  const deliver = async (delivery: Delivery = {}): Promise<Answer> => {
    const { event = "workflow_job", id = crypto.randomUUID(), secret = world.secret } = delivery;
    const body = delivery.body ?? JSON.stringify(delivery.payload ?? jobPayload());
    const headers = new Headers({
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/0123456",
      "x-github-event": event,
      "x-github-delivery": id,
      "x-github-hook-id": "1",
      "x-github-hook-installation-target-type": "integration",
      "x-github-hook-installation-target-id": String(world.appId),
      "x-hub-signature-256": sign(secret, body),
    });
    for (const [name, value] of Object.entries(delivery.headers ?? {})) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
    const response = await fetch(url, { method: "POST", headers, body: body as string | Uint8Array<ArrayBuffer> });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Answer["body"] };
  };
  return {
    url,
    port,
    log,
    registry,
    clock,
    ...informers,
    deliver,
    deliverJob: async (job, delivery) => await deliver({ ...delivery, payload: jobPayload(job) }),
    metric: async (name, labels = "") => {
      const line = (await registry.metrics())
        .split("\n")
        .find((text) => text.startsWith(labels === "" ? `${name} ` : `${name}{${labels}} `));
      return Number(line?.split(" ").at(-1) ?? Number.NaN);
    },
    stop,
  };
}
