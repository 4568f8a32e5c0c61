import { createEcsProvider } from "../../src/provider/ecs/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { systemClock } from "../../src/util/clock.ts";
import { type Harness, startHarness } from "../controllers/harness.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import type { RunnerHook } from "../sim/ecs/runner/types.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import type { Job } from "../sim/github/state/model.ts";
import { until } from "../support/until.ts";
import { startEventQueue } from "../sim/sqs/event-queue.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/** A job's length where the test ends it. */
const untilTold = 3_600_000;

/** Scene is an operator with the real ECS provider, on simulated ECS and GitHub. */
export interface Scene extends AsyncDisposable {
  readonly harness: Harness;
  readonly ecs: EcsSim;
  /** The names of the requests of the jobs that were queued, in their order. */
  readonly requests: readonly string[];
  /** Queues a job that runs until it is told to end. */
  queue(job: { readonly repository?: string; readonly name: string; readonly labels?: readonly string[] }): Promise<string>;
  /** The same, and waits until a runner runs it. */
  run(job: Parameters<Scene["queue"]>[0]): Promise<string>;
  /** The task of a request's newest attempt. */
  taskOf(request: string): Promise<string>;
  /** From now on images cannot be pulled, or can again. */
  pullsFail(fail: boolean): void;
  /** Keeps SIGTERM from runners until the answer is called: real ones take a while to end, in which the operator hears of more. */
  holdSignals(): () => void;
}

/** longRepository has a name as long as GitHub lets one be: 100 characters. */
export const longRepository = `acme/${"customer-notification-service-".repeat(3)}for-mobile`;

/** setScene starts one; ECS tells of its tasks through a queue, so that nothing waits for a poll. */
export async function setScene(cluster: TestCluster): Promise<Scene> {
  await using building = new AsyncDisposableStack();
  const queue = building.adopt(await startEventQueue({ hiddenSeconds: 1 }), (one) => one.close());
  const started: { runner?: RunnerHook } = {};
  const ecs = building.adopt(
    await startEcsSim({
      events: { sink: queue.sink },
      runner: async (task) => (await started.runner?.(task)) ?? { exitCode: 1 },
    }),
    (one) => one.close(),
  );
  const provider = createEcsProvider({
    clock: systemClock,
    log: silentLogger(),
    openSender: async () => {
      const sdk = await import("@aws-sdk/client-ecs");
      return { sdk, client: new sdk.ECSClient({ ...ecs.clientConfig, maxAttempts: 1 }) };
    },
    openSqsSender: async () => {
      const sdk = await import("@aws-sdk/client-sqs");
      return { sdk, client: new sdk.SQSClient({ ...ecs.clientConfig, endpoint: queue.origin, maxAttempts: 1 }) };
    },
  });
  building.defer(() => provider.close());
  const harness = building.use(
    await startHarness(cluster, {
      target: { maxRunners: 2, overrides: { cpu: { max: 8 }, memory: { max: "32Gi" } } },
      backend: { provider, spec: { region: ecs.region, events: { queueUrl: queue.url } } },
    }),
  );
  const terms = { held: false, waiting: [] as (() => void)[] };
  started.runner = async (task) => {
    // Real containers take seconds. One that had its job before its launch is stored would have a story in another order.
    await until(`the launch of ${task.group}`, 15_000, () => {
      if (!harness.log.text.includes(`started runner ${task.group} `)) throw new Error("it is not told");
    });
    const terminated = new AbortController();
    const tell = (): void => terminated.abort();
    task.terminated.addEventListener("abort", () => (terms.held ? void terms.waiting.push(tell) : tell()));
    return await githubRunner(harness.github)({ ...task, terminated: terminated.signal });
  };
  harness.github.addRepository(longRepository, { private: true });

  let broken = false;
  ecs.onChange((task) => {
    if (!broken || task.lastStatus !== "PENDING") return;
    ecs.failToStart(task.id, "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found");
  });
  const requests: string[] = [];
  const queueJob: Scene["queue"] = async ({ repository = "acme/web", name, labels = ["self-hosted", "ecs"] }) => {
    const job: Job = harness.queueJob({ repository, name, labels, durationMs: untilTold });
    const request = harness.nameOf(job);
    requests.push(request);
    await harness.github.webhooks.settled();
    return request;
  };
  const all = building.move();
  return {
    harness,
    ecs,
    requests,
    queue: queueJob,
    async run(job) {
      const request = await queueJob(job);
      await harness.untilReason(request, "JobInProgress");
      return request;
    },
    taskOf: async (request) => (await harness.get(request)).status?.instance?.providerId ?? "",
    pullsFail: (fail) => void (broken = fail),
    holdSignals() {
      terms.held = true;
      return () => {
        terms.held = false;
        for (const tell of terms.waiting.splice(0)) tell();
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
