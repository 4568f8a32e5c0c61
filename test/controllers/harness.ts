import { vi } from "vitest";
import { apiVersion } from "../../src/api/kind.ts";
import type { ECSRunnerClass } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { GitHubApp } from "../../src/api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../src/api/v1alpha1/runner-target.ts";
import { addControllers } from "../../src/cli/controllers.ts";
import { createStores, type Stores } from "../../src/cli/stores.ts";
import { createGitHub } from "../../src/github/client.ts";
import { GitHubMetrics } from "../../src/github/metrics.ts";
import { verifyPrivateKey } from "../../src/github/private-key.ts";
import { createIntake } from "../../src/intake/intake.ts";
import { isApiError } from "../../src/kube/api-error.ts";
import { Cluster } from "../../src/kube/cluster.ts";
import { getCondition } from "../../src/kube/conditions.ts";
import { Manager } from "../../src/kube/manager.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import { Recorder } from "../../src/kube/recorder.ts";
import { SecretSource } from "../../src/kube/secret-source.ts";
import { FakeProvider } from "../../src/provider/fake/provider.ts";
import { ProviderRegistry } from "../../src/provider/registry.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createRegistry } from "../../src/telemetry/metrics.ts";
import type { Clock } from "../../src/util/clock.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import type { Job } from "../sim/github/state/model.ts";
import { type CapturedLog, captureLog } from "../support/capture-log.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/** ShiftClock is the machine's clock, which a test may push forward: hours pass without waiting for them. */
export class ShiftClock implements Clock {
  #ahead = 0;

  now(): number {
    return Date.now() + this.#ahead;
  }

  advance(ms: number): void {
    this.#ahead += ms;
  }
}

type TargetSpec = Partial<RunnerTarget["spec"]>;

/** Harness is the operator's controllers and intake in this process, on the real API server, with a programmable provider and a simulated GitHub. */
export interface Harness extends AsyncDisposable {
  readonly namespace: string;
  readonly github: GitHubSim;
  readonly provider: FakeProvider;
  readonly clock: ShiftClock;
  readonly log: CapturedLog;
  readonly stores: Stores;
  /** Queues a job at GitHub; its webhook makes the request. */
  queueJob(options?: Partial<Parameters<GitHubSim["queueJob"]>[0]>): Job;
  nameOf(job: Job): string;
  get(name: string): Promise<RunnerRequest>;
  /** Waits until a request, read from the API server, looks as wanted. */
  until(name: string, wanted: (request: RunnerRequest) => boolean, what?: string): Promise<RunnerRequest>;
  /** Waits for the reason of a request's summary condition. */
  untilReason(name: string, reason: string): Promise<RunnerRequest>;
  /** Starts the runner of a request: the instance runs, the process connects. */
  startRunner(name: string): Promise<string>;
  /** The same, with something done between the launch and the runner's first breath. */
  startRunnerOf(name: string, between: () => Promise<unknown>): Promise<string>;
  /** Moves the clock and has every request looked at again. */
  advance(ms: number): Promise<void>;
  editTarget(change: TargetSpec): Promise<void>;
  events(name: string): Promise<string[]>;
}

let pokes = 0;

/** startHarness makes a namespace with an App, a class and a target, and runs the operator for it. */
export async function startHarness(
  cluster: TestCluster,
  options: { target?: TargetSpec; webhooks?: boolean; timeDivisor?: number } = {},
): Promise<Harness> {
  const namespace = await cluster.namespace("ctl");
  const clock = new ShiftClock();
  const log = captureLog();
  const github = await startGitHubSim({ clock, assignment: "oldest" });
  github.addOrganization("acme");
  github.addRepository("acme/web", { private: true });
  github.addRepository("acme/api", { private: true });
  github.install("acme");
  const provider = new FakeProvider({ clock });

  const registry = createRegistry();
  const kubeMetrics = new KubeMetrics(registry);
  const logger = createLogger({ level: "debug", destination: log.destination });
  const kube = Cluster.load({ kubeconfig: cluster.kubeconfig, log: logger, metrics: kubeMetrics });
  const stores = createStores(kube, logger, kubeMetrics, namespace);
  const secrets = new SecretSource({ cluster: kube, log: logger, metrics: kubeMetrics });
  const recorder = new Recorder({
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
  addControllers(manager, {
    stores,
    secrets,
    providers: new ProviderRegistry([{ classKind: "ECSRunnerClass", create: () => provider }], { clock, log: logger }),
    createGitHub: ({ url, apiUrl, appId, privateKey }) =>
      createGitHub({ webUrl: url, apiUrl, appId, privateKey, clock, log: logger, metrics: githubMetrics }),
    keyFault: (pem) => {
      const finding = verifyPrivateKey(pem);
      return finding.ok ? undefined : finding.problem;
    },
    recorder,
    registry,
    kubeMetrics,
    clock,
    log: logger,
    workers: 8,
    timeDivisor: options.timeDivisor ?? 1,
    leads: () => true,
  });

  await cluster.kubectl(["apply", "-f", "-"], objects(namespace, github, options.target ?? {}));
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  running.catch(() => undefined);
  await vi.waitFor(() => {
    if (!manager.ready) throw new Error(`the operator is not ready:\n${log.text.slice(-2_000)}`);
  }, 20_000);
  if (options.webhooks !== false) github.setReceivers([`http://127.0.0.1:${intake.server.address.port}/webhook`]);
  await vi.waitFor(async () => {
    const target = await stores.targets.client.get({ namespace, name: "web" });
    const ready = getCondition(target.status?.conditions, "Ready");
    if (ready?.status !== "True" && target.spec.githubAppRef.name === "acme")
      throw new Error(`the target is not ready: ${ready?.reason}: ${ready?.message}`);
  }, 20_000);

  const get = (name: string): Promise<RunnerRequest> => stores.requests.client.get({ namespace, name });
  const until: Harness["until"] = (name, wanted, what = "as wanted") =>
    vi.waitFor(
      async () => {
        const request = await get(name);
        if (!wanted(request)) throw new Error(`${name} is not ${what}: ${JSON.stringify(request.status, undefined, 1)}`);
        return request;
      },
      { timeout: 15_000, interval: 40 },
    );
  const startRunnerOf: Harness["startRunnerOf"] = async (name, between) => {
    const launched = await until(name, (request) => request.status?.instance !== undefined, "launched");
    await between();
    const id = launched.status?.instance?.providerId ?? "";
    provider.advance(id, "Running");
    const runner = launched.status?.runner?.name ?? "";
    github.runners.connect(runner);
    github.runners.poll(runner);
    return id;
  };
  return {
    namespace,
    github,
    provider,
    clock,
    log,
    stores,
    queueJob: (overrides = {}) => github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], ...overrides }),
    nameOf: (job) => `job-${job.id}`,
    get,
    until,
    untilReason: (name, reason) =>
      until(name, (request) => getCondition(request.status?.conditions, "Succeeded")?.reason === reason, `at ${reason}`),
    startRunner: (name) => startRunnerOf(name, async () => undefined),
    startRunnerOf,
    async advance(ms) {
      clock.advance(ms);
      pokes += 1;
      const annotations = { "test.example/poke": String(pokes) };
      const poke = async (name: string): Promise<void> => {
        // The operator writes too, so a version may be old by the time it arrives; one that is gone needs no poke.
        for (;;) {
          try {
            await stores.requests.client.patchMetadata(await get(name), { annotations });
            return;
          } catch (error) {
            if (isApiError(error, "NotFound")) return;
            if (!isApiError(error, "Conflict")) throw error;
          }
        }
      };
      const { items } = await stores.requests.client.list({ namespace });
      await Promise.all(items.map(({ metadata }) => poke(metadata.name)));
    },
    async editTarget(change) {
      await cluster.kubectl(["patch", "rt", "web", "-n", namespace, "--type=merge", "-p", JSON.stringify({ spec: change })]);
    },
    async events(name) {
      await recorder.flush();
      const list = JSON.parse(await cluster.kubectl(["get", "events.events.k8s.io", "-n", namespace, "-o", "json"])) as {
        items: { reason: string; regarding?: { name?: string } }[];
      };
      return list.items.filter(({ regarding }) => regarding?.name === name).map(({ reason }) => reason);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.catch(() => undefined);
      await recorder.flush();
      await kube.close();
      await github.close();
    },
  };
}

function objects(namespace: string, github: GitHubSim, target: TargetSpec): string {
  const metadata = (name: string) => ({ name, namespace });
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata("github-app"),
    stringData: { "private-key.pem": github.app.keys[0]?.privateKey ?? "", "webhook-secret": github.app.hook.secret },
  };
  const app: { apiVersion: string; kind: string; metadata: object; spec: Partial<GitHubApp["spec"]> } = {
    apiVersion,
    kind: "GitHubApp",
    metadata: metadata("acme"),
    spec: {
      apiUrl: github.url,
      appId: github.app.id,
      privateKeySecretRef: { name: "github-app", key: "private-key.pem" },
      webhookSecretRefs: [{ name: "github-app", key: "webhook-secret" }],
    },
  };
  const cls: { apiVersion: string; kind: string; metadata: object; spec: Partial<ECSRunnerClass["spec"]> } = {
    apiVersion,
    kind: "ECSRunnerClass",
    metadata: metadata("fargate"),
    spec: {
      region: "ap-northeast-1",
      cluster: "runners",
      capacity: [
        { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] },
        { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] },
      ],
      network: { subnets: ["subnet-a"], assignPublicIp: false },
      image: "ghcr.io/acme/runner:1",
    },
  };
  const web = {
    apiVersion,
    kind: "RunnerTarget",
    metadata: metadata("web"),
    spec: {
      githubAppRef: { name: "acme" },
      scope: { organization: "acme" },
      labels: ["self-hosted", "linux", "x64", "ecs"],
      classRef: { name: "fargate" },
      ...target,
    },
  };
  return [secret, app, cls, web].map((object) => JSON.stringify(object)).join("\n---\n");
}
