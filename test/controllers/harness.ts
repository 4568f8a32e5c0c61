import { expect, vi } from "vitest";
import { apiVersion } from "../../src/api/kind.ts";
import type { ECSRunnerClass } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { GitHubApp } from "../../src/api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../src/api/v1alpha1/runner-target.ts";
import type { Stores } from "../../src/cli/stores.ts";
import type { Census } from "../../src/cli/census.ts";
import { isApiError } from "../../src/kube/api-error.ts";
import { ignoreNotFound } from "../../src/kube/client.ts";
import { getCondition, type ReadonlyCondition } from "../../src/kube/conditions.ts";
import { compareVersions, type DeepReadonly, type ObjectKey } from "../../src/kube/object.ts";
import { FakeProvider } from "../../src/provider/fake/provider.ts";
import type { Provider } from "../../src/provider/types.ts";
import type { Clock } from "../../src/util/clock.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import type { Job } from "../sim/github/state/model.ts";
import { type CapturedLog, captureLog } from "../support/capture-log.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { startOperator } from "./operator.ts";

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
type ClassSpec = Partial<ECSRunnerClass["spec"]>;

/** Backend takes the place of the programmable provider, which then does nothing. */
export interface Backend {
  readonly provider: Provider;
  /** What the class says of it. */
  readonly spec: ClassSpec;
}

/** Harness is the operator's controllers and intake in this process, on the real API server, with a programmable provider and a simulated GitHub. */
export interface Harness extends AsyncDisposable {
  readonly namespace: string;
  readonly github: GitHubSim;
  readonly provider: FakeProvider;
  readonly clock: ShiftClock;
  readonly log: CapturedLog;
  readonly stores: Stores;
  readonly census: Census;
  /** The value of a metric of the operator that runs now, of the series with these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined>;
  /** How many passes a controller has made, in the operator that runs now. */
  passes(controller: string): Promise<number>;
  /** The count of getabako_swept_total, of the operator that runs now. */
  swept(what: string, outcome: string): Promise<number | undefined>;
  /** Ends the operator at once, in the middle of what it does. */
  crash(): void;
  /** Starts the next operator on the same objects, after a crash. */
  succeed(): Promise<void>;
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
  /** The same, and waits until all have been looked at: only then does it mean anything that something did not happen. */
  pass(ms: number): Promise<void>;
  /** Changes the target, and waits until the operator knows it, if one runs: what is queued after it meets the changed target. */
  editTarget(change: TargetSpec): Promise<void>;
  /** The same with the class. */
  editClass(change: ClassSpec): Promise<void>;
  /** Deletes the target, and waits until the operator knows, if one runs. */
  deleteTarget(): Promise<void>;
  /** The Ready condition of the target as the operator sees it: what holds for the next launch. */
  targetReady(): ReadonlyCondition | undefined;
  events(name: string): Promise<string[]>;
}

let pokes = 0;

/** startHarness makes a namespace with an App, a class and a target, and runs the operator for it. */
export async function startHarness(
  cluster: TestCluster,
  options: {
    target?: TargetSpec;
    webhooks?: boolean;
    timeDivisor?: number;
    clock?: ShiftClock;
    provider?: FakeProvider;
    backend?: Backend;
  } = {},
): Promise<Harness> {
  const namespace = await cluster.namespace("ctl");
  const web = { namespace, name: "web" };
  const fargate = { namespace, name: "fargate" };
  const clock = options.clock ?? new ShiftClock();
  const log = captureLog();
  const github = await startGitHubSim({ clock, assignment: "oldest" });
  github.addOrganization("acme");
  github.addRepository("acme/web", { private: true });
  github.addRepository("acme/api", { private: true });
  github.install("acme");
  const provider = options.provider ?? new FakeProvider({ clock });

  const { backend } = options;
  await cluster.kubectl(["apply", "-f", "-"], objects(namespace, github, options.target ?? {}, backend?.spec ?? {}));
  const surroundings = {
    cluster,
    namespace,
    provider: backend?.provider ?? provider,
    clock,
    log,
    timeDivisor: options.timeDivisor ?? 1,
  };
  let operator = await startOperator(surroundings);
  let isRunning = true;
  if (options.webhooks !== false) github.setReceivers([operator.webhookUrl]);
  await vi.waitFor(async () => {
    const target = await operator.stores.targets.client.get(web);
    const ready = getCondition(target.status?.conditions, "Ready");
    if (ready?.status !== "True" && target.spec.githubAppRef.name === "acme")
      throw new Error(`the target is not ready: ${ready?.reason}: ${ready?.message}`);
  }, 20_000);

  const metric: Harness["metric"] = async (name, wanted = {}) => {
    const found = await operator.registry.getSingleMetric(name)?.get();
    return found?.values.find(({ labels }) => Object.entries(wanted).every(([label, value]) => labels[label] === value))?.value;
  };
  const get = (name: string): Promise<RunnerRequest> => operator.stores.requests.client.get({ namespace, name });
  const isGone = async (name: string): Promise<boolean> => (await ignoreNotFound(get(name))) === undefined;
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
  const advance = async (ms: number): Promise<readonly DeepReadonly<RunnerRequest>[]> => {
    clock.advance(ms);
    pokes += 1;
    const annotations = { "test.example/poke": String(pokes) };
    const poke = async (name: string): Promise<readonly DeepReadonly<RunnerRequest>[]> => {
      // The operator writes too, so a version may be old by the time it arrives; one that is gone needs no poke.
      for (;;) {
        try {
          return [await operator.stores.requests.client.patchMetadata(await get(name), { annotations })];
        } catch (error) {
          if (isApiError(error, "NotFound")) return [];
          if (!isApiError(error, "Conflict")) throw error;
        }
      }
    };
    const { items } = await operator.stores.requests.client.list({ namespace });
    return (await Promise.all(items.map(({ metadata }) => poke(metadata.name)))).flat();
  };
  const untilKnown = async (kind: "targets" | "classes", key: ObjectKey): Promise<void> => {
    if (!isRunning) return;
    const { client, informer } = operator.stores[kind];
    const { generation = 0 } = (await client.get(key)).metadata;
    const known = (): number => informer.store.get(key)?.metadata.generation ?? 0;
    await expect.poll(known, { timeout: 15_000, interval: 10 }).toBeGreaterThanOrEqual(generation);
  };
  return {
    namespace,
    github,
    provider,
    clock,
    log,
    get stores() {
      return operator.stores;
    },
    get census() {
      return operator.census;
    },
    async passes(controller) {
      const metric = await operator.registry.getSingleMetric("controller_runtime_reconcile_total")?.get();
      return (metric?.values ?? [])
        .filter(({ labels }) => labels["controller"] === controller)
        .reduce((sum, { value }) => sum + value, 0);
    },
    swept: (what, outcome) => metric("getabako_swept_total", { what, outcome }),
    metric,
    crash() {
      isRunning = false;
      operator.crash();
    },
    async succeed() {
      operator = await startOperator(surroundings);
      isRunning = true;
      if (options.webhooks !== false) github.setReceivers([operator.webhookUrl]);
    },
    queueJob: (overrides = {}) => github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], ...overrides }),
    nameOf: (job) => `job-${job.id}`,
    get,
    until,
    untilReason: (name, reason) =>
      until(name, (request) => getCondition(request.status?.conditions, "Succeeded")?.reason === reason, `at ${reason}`),
    startRunner: (name) => startRunnerOf(name, async () => undefined),
    startRunnerOf,
    advance: async (ms) => void (await advance(ms)),
    async pass(ms) {
      const poked = await advance(ms);
      const idle = async (metric: string): Promise<boolean> => {
        const found = await operator.registry.getSingleMetric(metric)?.get();
        return (found?.values ?? [])
          .filter(({ labels }) => (labels["controller"] ?? labels["name"]) === "runnerrequest.lifecycle")
          .every(({ value }) => value === 0);
      };
      await vi.waitFor(
        async () => {
          const { store } = operator.stores.requests.informer;
          const seen = await Promise.all(
            poked.map(async ({ metadata: { name, resourceVersion = "" } }) => {
              const known = store.get({ namespace, name })?.metadata.resourceVersion;
              // Gone, or not known yet.
              return known === undefined ? await isGone(name) : compareVersions(known, resourceVersion) >= 0;
            }),
          );
          if (seen.includes(false) || !(await idle("workqueue_depth")) || !(await idle("controller_runtime_active_workers")))
            throw new Error("not every request was looked at again");
        },
        { timeout: 15_000, interval: 10 },
      );
    },
    async editTarget(change) {
      await cluster.patch("rt", web.name, namespace, { spec: change });
      await untilKnown("targets", web);
    },
    async editClass(change) {
      await cluster.patch("ecsrc", fargate.name, namespace, { spec: change });
      await untilKnown("classes", fargate);
    },
    async deleteTarget() {
      await cluster.kubectl(["delete", "rt", web.name, "-n", namespace]);
      if (!isRunning) return;
      const known = (): unknown => operator.stores.targets.informer.store.get(web);
      await expect.poll(known, { timeout: 15_000, interval: 10 }).toBeUndefined();
    },
    targetReady: () => getCondition(operator.stores.targets.informer.store.get(web)?.status?.conditions, "Ready"),
    async events(name) {
      await operator.recorder.flush();
      const list = JSON.parse(await cluster.kubectl(["get", "events.events.k8s.io", "-n", namespace, "-o", "json"])) as {
        items: { reason: string; regarding?: { name?: string } }[];
      };
      return list.items.filter(({ regarding }) => regarding?.name === name).map(({ reason }) => reason);
    },
    async [Symbol.asyncDispose]() {
      await operator.stop();
      await github.close();
    },
  };
}

function objects(namespace: string, github: GitHubSim, target: TargetSpec, clsSpec: ClassSpec): string {
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
      ...clsSpec,
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
