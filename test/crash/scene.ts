import { once } from "node:events";
import { afterEach, expect, vi } from "vitest";
import { apiVersion } from "../../src/api/kind.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import type { RunnerHook } from "../sim/ecs/runner/types.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { testCluster } from "../support/test-cluster.ts";

/**
 * The operator is killed with SIGKILL at each point of a launch and of a deletion, as a process of its own, and started again. What
 * counts is what the world looks like afterwards: one task for the job, the job done once, nothing left behind.
 */
/** cluster is the API server of the run. */
export const cluster = testCluster();

/** Scene is a namespace with its objects, both simulators, and an operator that can be killed. */
export interface Scene {
  readonly namespace: string;
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
  /** Lines that the operator has written since it was started last. */
  readonly log: () => readonly string[];
  readonly until: (what: string, wanted: (request: Request) => boolean) => Promise<Request>;
}

/** Request is what the tests look at of a RunnerRequest. */
export interface Request {
  metadata: { name: string; finalizers?: string[] };
  status?: {
    phase?: string;
    instance?: { state: string; providerId: string };
    conditions?: { type: string; status: string; reason: string }[];
  };
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** SceneOptions are what scenes differ in. */
export interface SceneOptions {
  /** How long a task stays in each state, in milliseconds. */
  readonly stateMs?: number;
  /** How much the operator's own times are shortened: 20 unless told. */
  readonly timeDivisor?: number;
  /** On-demand capacity after Spot. */
  readonly ladder?: boolean;
  /** The first task goes on after its runner has ended, and nobody waits for it for long. */
  readonly firstStays?: boolean;
}

/** startScene sets one up. */
export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const namespace = await cluster.namespace("crash");
  const github = await startGitHubSim();
  github.addRepository("acme/web", { private: true });
  github.install("acme");
  const ecs = await startEcsSim({ region: "ap-northeast-1", timings: options.stateMs ?? 20, runner: runnerOf(github, options) });
  closing.push(
    () => github.close(),
    () => ecs.close(),
  );
  const metadata = (name: string) => ({ name, namespace });
  const objects = [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: metadata("github-app"),
      stringData: { "private-key.pem": github.app.keys[0]?.privateKey, "webhook-secret": github.app.hook.secret },
    },
    {
      apiVersion,
      kind: "GitHubApp",
      metadata: metadata("acme"),
      spec: {
        apiUrl: github.url,
        appId: github.app.id,
        privateKeySecretRef: { name: "github-app", key: "private-key.pem" },
        webhookSecretRefs: [{ name: "github-app", key: "webhook-secret" }],
      },
    },
    {
      apiVersion,
      kind: "ECSRunnerClass",
      metadata: metadata("fargate"),
      spec: {
        region: "ap-northeast-1",
        cluster: "runners",
        endpoint: ecs.url,
        capacity: [
          { name: "spot", providers: [{ name: "FARGATE_SPOT" }] },
          ...(options.ladder === true ? [{ name: "on-demand", providers: [{ name: "FARGATE" }] }] : []),
        ],
        network: { subnets: ["subnet-a"] },
        image: "ghcr.io/acme/runner:1",
      },
    },
    {
      apiVersion,
      kind: "RunnerTarget",
      metadata: metadata("web"),
      spec: {
        githubAppRef: { name: "acme" },
        scope: { organization: "acme" },
        labels: ["self-hosted", "ecs"],
        classRef: { name: "fargate" },
        ...(options.firstStays === true && { timeouts: { registration: "5s" } }),
      },
    },
  ];
  await cluster.kubectl(["apply", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n---\n"));

  let operator: OperatorProcess | undefined;
  const request = async (): Promise<Request> => {
    const list = JSON.parse(await cluster.kubectl(["get", "rr", "-n", namespace, "-o", "json"])) as { items: Request[] };
    const [first] = list.items;
    if (first === undefined) throw new Error("there is no request yet");
    return first;
  };
  const made: Scene = {
    namespace,
    github,
    ecs,
    async start() {
      // The same identity, as a restarted container of a pod has: it takes its own Lease back at once.
      operator = await startOperator({
        kubeconfig: cluster.kubeconfig,
        namespace,
        identity: "crash-test",
        // Pauses of a minute would be most of the test; what is waited for stays the same.
        args: ["--watch-namespace", namespace, "--log-level", "debug", "--time-divisor", String(options.timeDivisor ?? 20)],
        env: { AWS_ACCESS_KEY_ID: "AKIASIMULATOR", AWS_SECRET_ACCESS_KEY: "simulator" },
      });
      github.setReceivers([operator.webhookUrl]);
    },
    async kill() {
      await operator?.kill();
    },
    log: () => operator?.log ?? [],
    until: (what, wanted) =>
      vi.waitFor(
        async () => {
          const found = await request();
          if (!wanted(found))
            throw new Error(
              `the request is not ${what}: ${JSON.stringify(found.status)}\n${operator?.log.slice(-10).join("\n")}`,
            );
          return found;
        },
        { timeout: 45_000, interval: 50 },
      ),
  };
  closing.push(async () => operator?.kill());
  await made.start();
  await vi.waitFor(
    async () => {
      const ready = await cluster.kubectl([
        "get",
        "rt",
        "web",
        "-n",
        namespace,
        "-o",
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ]);
      if (ready !== "True") throw new Error("the target is not ready");
    },
    { timeout: 20_000, interval: 100 },
  );
  return made;
}

/** A runner that hangs after GitHub has forgotten it is one of the ends of actions/runner (issue 4617). */
function runnerOf(github: GitHubSim, { firstStays = false }: SceneOptions): RunnerHook {
  const run = githubRunner(github);
  let tasks = 0;
  return async (task) => {
    const first = tasks++ === 0;
    const exit = await run(task);
    if (first && firstStays && !task.terminated.aborted) await once(task.terminated, "abort");
    return exit;
  };
}

/** launched tells whether a request has an instance. */
export const launched = (request: Request): boolean => request.status?.instance !== undefined;
/** finished tells whether nothing is left of a request outside. */
export const finished = (request: Request): boolean => request.metadata.finalizers === undefined;

/** expectOneCleanRun is what has to hold after every crash: one task for the job, the job done once, nothing left behind. */
export async function expectOneCleanRun({ github, ecs, until }: Scene): Promise<void> {
  const done = await until("finished", finished);
  expect(done.status?.conditions?.find(({ type }) => type === "Succeeded")).toMatchObject({
    status: "True",
    reason: "JobCompleted",
  });
  expect(ecs.tasks()).toHaveLength(1);
  // Its runner has ended; ECS may still be taking the task down.
  await expect.poll(() => ecs.report(), { timeout: 5_000 }).toMatchObject({ live: [], doubled: [] });
  expect(github.report()).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [] });
  expect([...github.violations, ...ecs.violations]).toEqual([]);
}
