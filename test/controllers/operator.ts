import type { EventReason } from "../../src/api/v1alpha1/reasons.ts";
import { vi } from "vitest";
import { addControllers } from "../../src/cli/controllers.ts";
import { createStores, type Stores } from "../../src/cli/stores.ts";
import type { Census } from "../../src/cli/census.ts";
import { createGitHub } from "../../src/github/client.ts";
import { GitHubMetrics } from "../../src/github/metrics.ts";
import { privateKeyProblem } from "../../src/github/private-key.ts";
import { createIntake } from "../../src/intake/intake.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import { Manager } from "../../src/kube/manager.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import { Recorder } from "../../src/kube/recorder.ts";
import { SecretSource } from "../../src/kube/secret-source.ts";
import { ProviderRegistry } from "../../src/provider/registry.ts";
import type { Provider } from "../../src/provider/types.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { JobsCaught } from "../../src/telemetry/jobs-caught.ts";
import { createRegistry, type Registry } from "../../src/telemetry/metrics.ts";
import type { Clock } from "../../src/util/clock.ts";
import type { CapturedLog } from "../support/capture-log.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/** Surroundings are what outlives an operator. */
export interface Surroundings {
  readonly cluster: TestCluster;
  readonly namespace: string;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly log: CapturedLog;
  readonly timeDivisor: number;
}

/** Operator is one process' worth of controllers and intake. */
export interface Operator {
  readonly stores: Stores;
  readonly recorder: Recorder<EventReason>;
  readonly registry: Registry;
  readonly census: Census;
  readonly webhookUrl: string;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Ends it without waiting for what is under way, and without the time that it would take: nothing is written any more. */
  crash(): void;
}

/**
 * With WATCH_LAG_MS=300 in the environment, watches tell of everything that many milliseconds later, as on a busy API server. A test that
 * needs what nobody promised, that the operator knows at once what was just written, then fails every time instead of once in a month.
 */
const watchLagMs = Number(process.env["WATCH_LAG_MS"] ?? 0);
if (!(watchLagMs >= 0)) throw new Error(`WATCH_LAG_MS=${process.env["WATCH_LAG_MS"]} is no number of milliseconds`);

/** startOperator runs the operator on the objects of a namespace, and resolves once its intake is there. */
export async function startOperator(surroundings: Surroundings): Promise<Operator> {
  const { cluster, namespace, provider, clock, log, timeDivisor } = surroundings;
  const registry = createRegistry();
  const kubeMetrics = new KubeMetrics(registry);
  const logger = createLogger({ level: "debug", destination: log.destination });
  const proxy = watchLagMs > 0 ? await FaultProxy.start(cluster) : undefined;
  proxy?.lagWatches(watchLagMs);
  const kube = Cluster.load({ kubeconfig: proxy?.kubeconfig ?? cluster.kubeconfig, log: logger, metrics: kubeMetrics });
  const stores = createStores(kube, logger, kubeMetrics, namespace);
  const secrets = new SecretSource({ cluster: kube, log: logger, metrics: kubeMetrics });
  const recorder = new Recorder<EventReason>({
    cluster: kube,
    component: "getabako.dev/test",
    instance: "test",
    log: logger,
    metrics: kubeMetrics,
  });
  const manager = new Manager({ log: logger });
  for (const [name, { informer }] of Object.entries(stores)) {
    manager.add({ name, ready: informer.synced, run: (signal) => informer.run(signal) }, { stage: "cache" });
  }
  manager.add({ name: secrets.name, run: (signal) => secrets.run(signal) }, { stage: "cache" });
  const intake = createIntake({
    apps: stores.apps.informer,
    targets: stores.targets.informer,
    requests: stores.requests.informer,
    requestClient: stores.requests.client,
    secrets,
    clock,
    log: logger,
    registry,
    port: 0,
    host: "127.0.0.1",
  });
  manager.add(intake.server, { stage: "always" });
  const githubMetrics = new GitHubMetrics(registry);
  const { census } = addControllers(manager, {
    stores,
    secrets,
    providers: new ProviderRegistry([{ classKind: "ECSRunnerClass", create: () => provider }], { clock, log: logger }),
    createGitHub: ({ url, apiUrl, appId, privateKey, caBundle }) =>
      createGitHub({ webUrl: url, apiUrl, appId, privateKey, caBundle, clock, log: logger, metrics: githubMetrics }),
    keyFault: privateKeyProblem,
    recorder,
    registry,
    kubeMetrics,
    clock,
    log: logger,
    workers: 8,
    timeDivisor,
    caught: new JobsCaught(registry),
    leads: () => true,
    watchNamespaces: [namespace],
  });

  const leave = async (): Promise<void> => {
    await kube.close();
    await proxy?.close();
  };
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  running.catch(() => undefined);
  await vi.waitFor(() => {
    if (!manager.ready) throw new Error(`the operator is not ready:\n${log.text.slice(-2_000)}`);
  }, 20_000);
  // Until then webhooks are refused, and GitHub, simulated or not, does not send them again by itself.
  await secrets.settled({ namespace, name: "github-app" }, AbortSignal.timeout(15_000));
  return {
    stores,
    recorder,
    registry,
    census,
    webhookUrl: `http://127.0.0.1:${intake.server.address.port}/webhook`,
    async stop() {
      stop.abort();
      await running.catch(() => undefined);
      await recorder.flush();
      await leave();
    },
    crash() {
      stop.abort();
      // Nobody waits for it: what a process that died leaves open is not this one's failure.
      void leave().catch(() => undefined);
    },
  };
}
