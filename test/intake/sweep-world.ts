import { onTestFinished } from "vitest";
import type { GitHubApp } from "../../src/api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../src/api/v1alpha1/runner-target.ts";
import { createStores, type Stores } from "../../src/cli/stores.ts";
import { createSweeps, type Sweeps } from "../../src/cli/sweeps.ts";
import { createGitHub, type GitHubClient } from "../../src/github/client.ts";
import { GitHubMetrics } from "../../src/github/metrics.ts";
import { createIntake, createIntakeCore } from "../../src/intake/intake.ts";
import { type Periods, periods } from "../../src/intake/sweep/periods.ts";
import { gitHubApp, runnerTarget } from "../../src/intake/test-objects.ts";
import { Client } from "../../src/kube/client.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import type { ObjectKey } from "../../src/kube/object.ts";
import { secrets } from "../../src/kube/resource.ts";
import { SecretSource } from "../../src/kube/secret-source.ts";
import { JobsCaught } from "../../src/telemetry/jobs-caught.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { isoTime } from "../../src/util/clock.ts";
import type { GitHubSimOptions } from "../sim/github/options.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { type CapturedLog, captureLog } from "../support/capture-log.ts";
import { FakeClock } from "../support/clock.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { secretsAreRead, webhookSecret } from "./harness.ts";

/** Leader is one process' sweeps, with memory, log and metrics of their own. */
export interface Leader {
  readonly sweeps: Sweeps;
  readonly stores: Stores;
  readonly log: CapturedLog;
  readonly github: GitHubClient;
  /** Where its webhook receiver listens. */
  readonly webhookUrl: string;
  /** A sample of its metrics; labels as in the text format. */
  readonly metric: (name: string, labels?: string) => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** LeaderOptions is what a test may have otherwise. */
export interface LeaderOptions {
  readonly periods?: Partial<Periods>;
  /** The machine's own clock, where it is wrong. */
  readonly clock?: FakeClock;
  /** Whom the App of an object asks, where it is not the simulator. */
  readonly simOf?: (app: ObjectKey) => GitHubSim | undefined;
  /** Whose API server it uses: that behind a fault proxy, for instance. */
  readonly kubeconfig?: string;
}

/** SweepWorld is a simulated GitHub and a namespace with an App that is Ready and a target, under one clock that stands still. */
export interface SweepWorld {
  readonly namespace: string;
  readonly clock: FakeClock;
  readonly sim: GitHubSim;
  readonly stores: Stores;
  /** Starts a leader and waits until its caches hold what there is. */
  readonly leader: (options?: LeaderOptions) => Promise<Leader>;
  readonly request: (name: string) => Promise<RunnerRequest>;
  readonly requestNames: () => Promise<string[]>;
  readonly app: () => Promise<GitHubApp>;
  /** How many requests, as `METHOD /path`, have reached GitHub so far. */
  readonly calls: (request: RegExp) => number;
}

/** newSweepWorld makes one; everything that it starts ends with the test. */
export async function newSweepWorld(
  cluster: TestCluster,
  options: { target?: Partial<RunnerTarget["spec"]>; sim?: GitHubSimOptions } = {},
): Promise<SweepWorld> {
  const namespace = await cluster.namespace("sweep");
  // Kubernetes stamps objects by the machine's clock, so the one of the test begins there.
  const clock = new FakeClock(Math.floor(Date.now() / 1_000) * 1_000);
  const sim = await startGitHubSim({ clock, tickMs: 0, ...options.sim });
  onTestFinished(async () => await sim.close());
  sim.addOrganization("acme");
  sim.addRepository("acme/web", { private: true });
  sim.install("acme");
  const privateKey = sim.app.keys[0]?.privateKey ?? "";
  const admin = await connect(cluster.kubeconfig, namespace);
  await new Client(admin.cluster, secrets).create(
    webhookSecret(namespace, "github-app", { "private-key.pem": privateKey, "webhook-secret": sim.app.hook.secret ?? "" }),
  );
  await createReadyApp(admin.stores, gitHubApp({ apiUrl: sim.url, appId: sim.app.id }, { namespace }), clock);
  await createReadyTarget(admin.stores, runnerTarget(options.target ?? {}, { namespace }), clock);
  return {
    namespace,
    clock,
    sim,
    stores: admin.stores,
    leader: async (how = {}) => await startLeader(how.kubeconfig ?? cluster.kubeconfig, { namespace, clock, sim }, how),
    request: async (name) => await admin.stores.requests.client.get({ namespace, name }),
    requestNames: async () =>
      (await admin.stores.requests.client.list({ namespace })).items.map(({ metadata }) => metadata.name).toSorted(),
    app: async () => await admin.stores.apps.client.get({ namespace, name: "acme" }),
    calls: (request) => sim.requests().filter(({ method, path }) => request.test(`${method} ${path}`)).length,
  };
}

/** createReadyApp creates an App that GitHub has accepted, as the controller of Apps would find. */
export async function createReadyApp(stores: Stores, app: GitHubApp, clock: FakeClock): Promise<GitHubApp> {
  const created = await stores.apps.client.create(app);
  const ready = {
    type: "Ready",
    status: "True",
    reason: "Ready",
    message: "",
    observedGeneration: created.metadata.generation,
    lastTransitionTime: isoTime(clock.now()),
  };
  return await stores.apps.client.patchStatus(created, { conditions: [ready], slug: "getabako" });
}

/** createReadyTarget creates a target that can be served, as the controller of targets would find. */
export async function createReadyTarget(stores: Stores, target: RunnerTarget, clock: FakeClock): Promise<RunnerTarget> {
  const created = await stores.targets.client.create(target);
  const ready = {
    type: "Ready",
    status: "True" as const,
    reason: "Ready",
    message: "",
    observedGeneration: created.metadata.generation ?? 0,
    lastTransitionTime: isoTime(clock.now()),
  };
  return await stores.targets.client.patchStatus(created, { conditions: [ready] });
}

async function connect(kubeconfig: string, namespace: string, log = captureLog()) {
  const logger = createLogger({ level: "debug", destination: log.destination });
  const registry = new Registry();
  const metrics = new KubeMetrics(registry);
  const connection = Cluster.load({ kubeconfig, log: logger, metrics });
  onTestFinished(async () => await connection.close());
  return { cluster: connection, stores: createStores(connection, logger, metrics, namespace), log, logger, registry, metrics };
}

async function startLeader(
  kubeconfig: string,
  world: { namespace: string; clock: FakeClock; sim: GitHubSim },
  options: LeaderOptions,
): Promise<Leader> {
  const { namespace, sim } = world;
  const clock = options.clock ?? world.clock;
  const { cluster, stores, log, logger, registry, metrics } = await connect(kubeconfig, namespace);
  const { apps, targets, requests } = stores;
  const githubMetrics = new GitHubMetrics(registry);
  const clients = new Map<GitHubSim, GitHubClient>();
  const clientOf = (asked: GitHubSim): GitHubClient => {
    const known = clients.get(asked);
    if (known !== undefined) return known;
    const client = createGitHub({
      webUrl: "https://github.com",
      apiUrl: asked.url,
      appId: asked.app.id,
      privateKey: asked.app.keys[0]?.privateKey ?? "",
      clock,
      log: logger,
      metrics: githubMetrics,
      env: {},
      sleep: () => Promise.resolve(),
    });
    clients.set(asked, client);
    return client;
  };
  const github = clientOf(sim);
  const core = createIntakeCore({
    targets: targets.informer,
    requests: requests.informer,
    requestClient: requests.client,
    clock,
    registry,
  });
  const source = new SecretSource({ cluster, log: logger, metrics });
  const { server } = createIntake({
    apps: apps.informer,
    targets: targets.informer,
    requests: requests.informer,
    requestClient: requests.client,
    secrets: source,
    clock,
    log: logger,
    registry,
    core,
    port: 0,
    host: "127.0.0.1",
  });
  const sweeps = createSweeps({
    stores,
    handler: core.handler,
    // Every App is asked for, as the process that has their keys would have it.
    github: (app: ObjectKey) => clientOf(options.simOf?.(app) ?? sim),
    caught: new JobsCaught(registry),
    clock,
    log: logger,
    registry,
    // The pause between redeliveries is the one that real time would pass in.
    periods: { ...periods, betweenRedeliveriesMs: 0, ...options.periods },
  });
  const stopping = new AbortController();
  const informers = [apps.informer, targets.informer, requests.informer];
  const running = [...informers, source, server].map(async (part) => await part.run(stopping.signal));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.allSettled(running);
    await Promise.all([...clients.values()].map(async (client) => await client.close()));
  };
  onTestFinished(stop);
  await Promise.all([...informers.map(async ({ synced }) => await synced), server.ready]);
  await secretsAreRead(apps.informer.store.list(), source);
  return {
    sweeps,
    stores,
    log,
    github,
    webhookUrl: `http://127.0.0.1:${server.address.port}/webhook`,
    metric: async (name, labels = "") => {
      const line = (await registry.metrics())
        .split("\n")
        .find((text) => text.startsWith(labels === "" ? `${name} ` : `${name}{${labels}} `));
      return Number(line?.split(" ").at(-1) ?? Number.NaN);
    },
    stop,
  };
}
