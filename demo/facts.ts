import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { group } from "../src/api/kind.ts";
import type { ECSRunnerClass } from "../src/api/v1alpha1/ecs-runner-class.ts";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../src/api/v1alpha1/runner-target.ts";
import { getCondition } from "../src/kube/conditions.ts";
import type { TaskRecord } from "../test/sim/ecs/state/task.ts";
import type { GitHubSim } from "../test/sim/github/sim.ts";
import type { Job } from "../test/sim/github/state/model.ts";
import { type ApiWrites, apiWrites, countsBetween, total, writesBetween } from "./api-requests.ts";
import type { Burst } from "./burst.ts";
import { findLeaks } from "../test/support/leaks.ts";
import { countBy } from "./progress.ts";
import { readShapes, rejectedRow, type ShapeFact } from "./shapes.ts";
import { type Stage, targetTag } from "./stage.ts";
import type { Row } from "./verdict.ts";

/** Facts are what the demo saw, from the API server and from both simulators. */
export interface Facts extends JobFacts, RequestFacts, TaskFacts, Costs, Secrecy {
  /** What ECS has of the jobs that chose their runner. */
  readonly shapes: readonly ShapeFact[];
  /** What became of the job that asked for more than it may. */
  readonly rejected: Row;
  /** Lines of the operator's log with the level error or worse. */
  readonly errorLines: readonly string[];
}

interface JobFacts {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly hostedDone: number;
  readonly uncoveredStillQueued: number;
  /** Covered jobs that nobody cancelled and that no runner ran to its end. */
  readonly lost: number;
  /** Jobs that ran on two runners, and runners that ran twice. */
  readonly ranTwice: number;
  /** Deliveries that were copies of another one. */
  readonly copies: number;
  readonly failedDeliveries: number;
  readonly registrationsLeft: number;
  /** Milliseconds between queued and started, of each job that ran. */
  readonly waitsMs: readonly number[];
}

interface RequestFacts {
  readonly requests: number;
  readonly requestsOfOthers: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly stillHeld: number;
  readonly movedToNextRung: number;
  /** Requests whose runner took another job than the one that asked. */
  readonly swapped: number;
  /** What the targets' status counts when all is over. */
  readonly countedByTargets: number;
}

interface TaskFacts {
  readonly launched: number;
  /** Tasks that the operator stopped; all others ended by themselves, after their job. */
  readonly stopped: number;
  /** Attempts that had two tasks at a time. */
  readonly doubledTasks: number;
  readonly tasksLeft: number;
  /** By target: the most tasks at once, and how many may be. */
  readonly most: readonly { readonly target: string; readonly seen: number; readonly max: number }[];
  /** Requests that the real services would not have accepted, of both simulators. */
  readonly violations: readonly string[];
}

interface Costs {
  readonly writes: ApiWrites;
  readonly githubCalls: Readonly<Record<string, number>>;
  /** Made with the App's own key, for its readiness: not counted per job. */
  readonly githubAppCalls: Readonly<Record<string, number>>;
  /** Those of the sweeps, which go by the clock and not by jobs. */
  readonly githubSweepCalls: Readonly<Record<string, number>>;
  readonly runTask: { readonly accepted: number; readonly refused: number; readonly other: number };
  readonly describeTasks: number;
}

interface Secrecy {
  /** Where a secret was found. */
  readonly leaks: readonly string[];
  readonly searched: { readonly secrets: number; readonly characters: number };
}

/** Baseline is where the counters stood before the burst. */
export interface Baseline {
  readonly writes: ApiWrites;
  readonly github: Readonly<Record<string, number>>;
  readonly describeTasks: number;
}

/** takeBaseline reads the counters. */
export async function takeBaseline({ controlPlane, github, ecs }: Stage): Promise<Baseline> {
  return {
    writes: apiWrites(await controlPlane.metrics(), group),
    github: github.counters().operations,
    describeTasks: ecs.calls.count("DescribeTasks"),
  };
}

/** readCosts is what was spent since the baseline; read it before anything else is asked of the API server. */
export async function readCosts({ controlPlane, github, ecs }: Stage, before: Baseline): Promise<Costs> {
  const operations = Object.entries(countsBetween(before.github, github.counters().operations)).filter(
    ([name]) => !name.startsWith("broker/"),
  );
  const isAppCall = ([name]: readonly [string, number]): boolean =>
    name.startsWith("apps/") && name !== "apps/create-installation-access-token";
  const isSweepCall = ([name]: readonly [string, number]): boolean =>
    name === "actions/list-workflow-runs-for-repo" || name === "actions/list-jobs-for-workflow-run";
  const { ok = 0, failures = 0, ...other } = ecs.calls.outcomes()["RunTask"] ?? {};
  return {
    writes: writesBetween(before.writes, apiWrites(await controlPlane.metrics(), group)),
    githubCalls: Object.fromEntries(operations.filter((operation) => !isAppCall(operation) && !isSweepCall(operation))),
    githubAppCalls: Object.fromEntries(operations.filter(isAppCall)),
    githubSweepCalls: Object.fromEntries(operations.filter(isSweepCall)),
    runTask: { accepted: ok, refused: failures, other: total(other) },
    describeTasks: ecs.calls.count("DescribeTasks") - before.describeTasks,
  };
}

/** collectFacts reads everything that the demo has to answer for; objects are read with kubectl, as people would. */
export async function collectFacts(stage: Stage, burst: Burst, costs: Costs): Promise<Facts> {
  const read = async <T>(kind: string): Promise<readonly T[]> =>
    (JSON.parse(await stage.kubectl(["get", kind, "-n", stage.namespace, "-o", "json"])) as { items: T[] }).items;
  const requests = await read<RunnerRequest>("runnerrequests");
  const targets = await read<RunnerTarget>("runnertargets");
  const log = await readFile(join(stage.directory, "operator.log"), "utf8");
  const [cls] = (await read<ECSRunnerClass>("ecsrunnerclasses")).filter(({ metadata }) => metadata.name === "fargate");
  if (cls === undefined) throw new Error("the class fargate of config/samples is gone");
  const { client } = stage;
  const sources = {
    ecs: client,
    cluster: cls.spec.cluster,
    cls: cls.spec,
    requests,
    securityGroupsOf: (arn: string) =>
      stage.ecs.tasks().find((task) => task.arn === arn)?.request.networkConfiguration?.awsvpcConfiguration?.securityGroups,
  };
  return {
    shapes: await readShapes(sources, burst.shaped),
    rejected: await rejectedRow(sources, burst.rejected, (prefix) => wasRegistered(stage.github, prefix)),
    ...jobFacts(stage, burst),
    ...requestFacts(requests, targets, burst),
    ...taskFacts(stage, targets),
    ...costs,
    ...(await secrecy(stage, log)),
    errorLines: log.split("\n").filter((line) => /"level":"(error|fatal)"/.test(line)),
  };
}

function jobFacts({ github }: Stage, burst: Burst): JobFacts {
  const jobs = [...burst.served, burst.cancelledEarly, burst.cancelledLate];
  const ended = (as: string, of: readonly Job[] = jobs): number => of.filter(({ conclusion }) => conclusion === as).length;
  const unserved = new Set([...burst.uncovered, burst.rejected.job].map(({ id }) => id));
  const report = github.report();
  const deliveries = github.webhooks.log.list();
  return {
    succeeded: ended("success"),
    failed: ended("failure"),
    cancelled: ended("cancelled"),
    hostedDone: ended("success", burst.hosted),
    uncoveredStillQueued: burst.uncovered.filter(({ status }) => status === "queued").length,
    lost: report.neverRun.filter(({ id }) => !unserved.has(id)).length + report.lost.length + report.interrupted.length,
    ranTwice: report.ranTwice.length + report.reused.length,
    copies: deliveries.length - new Set(deliveries.map(({ event }) => event.guid)).size,
    failedDeliveries: deliveries.filter(({ status }) => status !== "OK").length,
    registrationsLeft: github.registrations().length,
    waitsMs: burst.served.flatMap(({ queuedAt, startedAt }) =>
      queuedAt === undefined || startedAt === undefined ? [] : [startedAt - queuedAt],
    ),
  };
}

function requestFacts(requests: readonly RunnerRequest[], targets: readonly RunnerTarget[], burst: Burst): RequestFacts {
  const others = new Set([...burst.uncovered, ...burst.hosted].map(({ id }) => String(id)));
  const moved = requests.filter(({ status }) =>
    status?.attempts?.some(({ refused, capacity }) => capacity !== undefined && (refused ?? []).length > 0),
  );
  return {
    requests: requests.length,
    requestsOfOthers: requests.filter(({ spec }) => others.has(spec.job.id)).length,
    outcomes: countBy(requests, ({ status }) => getCondition(status?.conditions, "Succeeded")?.reason ?? "none"),
    stillHeld: requests.filter(({ metadata }) => (metadata.finalizers ?? []).length > 0).length,
    movedToNextRung: moved.length,
    swapped: requests.filter(({ spec, status }) => ![undefined, spec.job.id].includes(status?.assignedJob?.id)).length,
    countedByTargets: targets
      .flatMap(({ status }) => [status?.queued, status?.starting, status?.idle, status?.running])
      .reduce((sum: number, count) => sum + (count ?? 0), 0),
  };
}

function taskFacts({ ecs, github }: Stage, targets: readonly RunnerTarget[]): TaskFacts {
  const tag = (task: TaskRecord, name: string): string | undefined => task.launchTags.find(({ key }) => key === name)?.value;
  const report = ecs.report();
  const most = ecs.ledger.maxLive((task) => tag(task, targetTag));
  return {
    launched: report.launched,
    stopped: report.stopCodes["UserInitiated"] ?? 0,
    doubledTasks: report.doubled.length,
    tasksLeft: ecs.liveTasks().length,
    most: targets.map(({ metadata, spec }) => ({
      target: metadata.name,
      seen: most.get(metadata.name) ?? 0,
      max: spec.maxRunners,
    })),
    violations: [...github.violations, ...ecs.violations].map((violation) => JSON.stringify(violation)),
  };
}

/** wasRegistered tells whether GitHub ever had a runner whose name begins so. */
export function wasRegistered(github: GitHubSim, prefix: string): boolean {
  return github.journal().some(({ runner }) => runner?.name.startsWith(prefix) === true);
}

/** secrecy: secrets must be in the Secret only; everything else that people or programs can read is searched for them. */
export async function secrecy(
  { github, kubectl, secrets: others }: Pick<Stage, "github" | "kubectl" | "secrets">,
  log: string,
): Promise<Secrecy> {
  const kinds = ["getabako", "events.events.k8s.io", "leases", "configmaps"];
  const objects = await Promise.all(
    kinds.map(async (kind) => ({ where: `kubectl get ${kind}`, text: await kubectl(["get", kind, "-A", "-o", "json"]) })),
  );
  const texts = [{ where: "the operator's output", text: log }, ...objects];
  const secrets = [...github.secrets(), ...others];
  return {
    leaks: findLeaks(secrets, texts),
    searched: { secrets: secrets.length, characters: texts.reduce((sum, { text }) => sum + text.length, 0) },
  };
}
