import { findLeaks, type Text } from "../support/leaks.ts";
import type { TaskRecord } from "../sim/ecs/state/task.ts";
import type { Job } from "../sim/github/state/model.ts";
import { fullName } from "../sim/github/state/world.ts";
import { doubleAssigned } from "./assignments.ts";
import { fatalLines, type Exit } from "./exits.ts";
import type { Count, Limit } from "./capacity-log.ts";
import type { Coverage } from "./layout.ts";
import type { Played } from "./play.ts";
import { liveHeapMiB } from "./heap.ts";
import type { LeaseRisk } from "./lease-risks.ts";
import type { SeenRequest } from "./request-log.ts";
import { residentMiB } from "./resident.ts";
import type { Rest } from "./rest.ts";
import type { Stage } from "./stage.ts";

/** JobFacts are what became of one job, as GitHub's books tell. */
export interface JobFacts {
  readonly id: number;
  readonly name: string;
  readonly repository: string;
  readonly coverage: Coverage;
  readonly status: string;
  readonly conclusion: string | null;
  /** How it should have ended. */
  readonly wanted: string;
  readonly cancelled: boolean;
  /** The runners that began it. */
  readonly startedBy: readonly string[];
  /** It would have run for longer than timeouts.job. */
  readonly overlong: boolean;
  /** For how long it ran. */
  readonly ranMs: number | undefined;
  /** Why the script itself may have cost it its runner. */
  readonly excuse: string | undefined;
}

/** Memory is what one operator had in use at rest, in MiB; absent if its process had ended, or did not tell. */
export interface Memory {
  readonly operator: string;
  readonly runs: boolean;
  /** In its heap, after a full collection. */
  readonly liveHeap: number | undefined;
  /** Resident, before that; for the reader. */
  readonly resident: number | undefined;
}

/** Launches are the tasks of a run, and what may have made those needless that no job came of. */
export interface Launches {
  readonly tasks: number;
  /** No job began on them. */
  readonly idle: number;
  /** Jobs that GitHub kept back although a runner was there. */
  readonly keptBack: number;
  /** Runners and requests that the script did something to. */
  readonly hits: number;
}

/** Evidence is all that a run is judged by, as plain data: told by the simulators, the API server and the operating system. */
export interface Evidence {
  readonly rest: Rest;
  readonly jobs: readonly JobFacts[];
  readonly liveTasks: readonly string[];
  readonly registrations: readonly string[];
  /** Requests that still have their finalizer. */
  readonly held: readonly string[];
  /** Attempts, and requests, that had two live tasks at a time. */
  readonly doubledAttempts: readonly string[];
  readonly doubledRequests: readonly string[];
  /** Attempts that had two tasks, also one after the other. */
  readonly repeatedAttempts: readonly string[];
  readonly doubleAssigned: readonly string[];
  /** All that were ever seen. */
  readonly requests: readonly SeenRequest[];
  readonly launches: Launches;
  /** Events that were acknowledged too early. */
  readonly unstored: readonly string[];
  /** Changes of requests that took something back. */
  readonly backward: readonly string[];
  /** Tasks that were stopped while their runner had a job. */
  readonly stoppedBusy: readonly string[];
  readonly counts: readonly Count[];
  readonly limits: readonly Limit[];
  /** Runners that were used twice. */
  readonly reused: readonly string[];
  /** Calls that GitHub or AWS would refuse. */
  readonly violations: readonly string[];
  /** Where secrets were found. */
  readonly leaks: readonly string[];
  readonly exits: readonly Exit[];
  readonly fatal: readonly string[];
  /** Times at which an operator may lose its Lease. */
  readonly leaseRisks: readonly LeaseRisk[];
  readonly memory: readonly Memory[];
  readonly outages: readonly { readonly ms: number; readonly calls: number; readonly requests: number }[];
}

/** From the last renewal that went well to the loss. */
const leaseMs = 4_000;

/** readMemory is the first of two steps, while the operators still run. */
export async function readMemory({ fleet }: Stage): Promise<Memory[]> {
  return await Promise.all(
    fleet.operators.map(async ({ name, process }) => {
      const resident = process === undefined ? undefined : await residentMiB(process.pid);
      return {
        operator: name,
        runs: process !== undefined,
        resident,
        liveHeap: process === undefined ? undefined : await liveHeapMiB(process),
      };
    }),
  );
}

/** readMetrics belongs to the first step: all that the operators' metrics say, to be searched for secrets. */
export async function readMetrics({ fleet }: Stage): Promise<Text[]> {
  return await Promise.all(
    fleet.operators.map(async ({ name, process }) => {
      const answer = process && (await fetch(process.metricsUrl, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined));
      return { where: `the metrics of operator ${name}`, text: (await answer?.text()) ?? "" };
    }),
  );
}

/** collectEvidence is the second step, after they were stopped. */
export async function collectEvidence(
  stage: Stage,
  played: Played,
  { rest, memory, metrics }: { rest: Rest; memory: readonly Memory[]; metrics: readonly Text[] },
): Promise<Evidence> {
  const { github, ecs, api, fleet, harm, capacity } = stage;
  const requests = await api.list("runnerrequests");
  const logs = await fleet.logs();
  const kinds = ["githubapps", "ecsrunnerclasses", "runnertargets", "runnerrequests", "events", "leases", "configmaps"] as const;
  const objects = await Promise.all(kinds.map(async (kind) => ({ where: `the objects ${kind}`, text: await api.text(kind) })));
  const report = github.report();
  const answers = github.webhooks.log.list().map(({ responseBody }) => responseBody);
  return {
    rest,
    jobs: jobFacts(stage, played),
    liveTasks: ecs.report().live,
    registrations: report.leftBehind
      .filter(({ id }) => !harm.foreignRunners.has(id))
      .map(({ name, phase }) => `${name} (${phase})`),
    held: requests.filter(({ metadata }) => (metadata.finalizers ?? []).length > 0).map(({ metadata }) => metadata.name),
    doubledAttempts: ecs.report().doubled.map(({ key, tasks }) => `${key}: ${tasks.join(", ")}`),
    doubledRequests: ecs.ledger.overlaps(({ startedBy }) => startedBy).map(({ key, tasks }) => `${key}: ${tasks.join(", ")}`),
    // On each capacity: whoever died before it had stored the one is followed by somebody who begins with the first rung again, and may
    // start another one after that has ended. While it lives, `doubledAttempts` tells.
    repeatedAttempts: [
      ...Map.groupBy(ecs.ledger.launched(), ({ startedBy, group, capacity: rung }) => `${startedBy} ${group} on ${rung}`),
    ]
      .filter(([, tasks]) => tasks.length > 1)
      .map(([key, tasks]) => `${key}: ${tasks.map(({ id }) => id).join(", ")}`),
    doubleAssigned: doubleAssigned(github.journal()),
    requests: stage.log.seen,
    launches: launches(stage, played),
    unstored: stage.answers.wrong,
    backward: stage.log.backward,
    stoppedBusy: stage.stops.wrong,
    counts: capacity.counts,
    limits: capacity.limits,
    reused: report.reused.map(({ name, jobs, connects }) => `${name}: ${jobs.length} jobs, ${connects} connections`),
    violations: [...github.violations, ...ecs.violations].map((violation) => JSON.stringify(violation)),
    leaks: findLeaks(
      [...github.secrets(), ...stage.secrets],
      [
        ...objects,
        { where: "an earlier version of a RunnerRequest", text: stage.log.text },
        ...metrics,
        { where: "an answer to a webhook", text: answers.join("\n") },
        ...logs.map(({ operator, lines }) => ({ where: `the log of operator ${operator}`, text: lines.join("\n") })),
      ],
    ),
    exits: fleet.exits,
    fatal: logs.flatMap(({ operator, lines }) => fatalLines(lines).map((line) => `${operator}: ${line}`)),
    leaseRisks: [...stage.leases.all(), ...stage.pulse.slow.map(({ from, to }) => ({ from, to: to + leaseMs }))],
    memory,
    outages: played.outages.map(({ from, to, calls, requests }) => ({ ms: to - from, calls, requests })),
  };
}

function jobFacts(stage: Stage, { jobs }: Played): JobFacts[] {
  return [...stage.github.world.jobs.values()].flatMap((job) => {
    const planned = jobs.get(job.key);
    if (planned === undefined) return [];
    const { startedAt, completedAt } = job;
    return {
      id: job.id,
      name: job.name,
      repository: fullName(job.run.repository),
      coverage: planned.coverage,
      status: job.status,
      conclusion: job.conclusion,
      wanted: job.outcome,
      cancelled: job.cancelRequestedAt !== undefined,
      startedBy: [...job.startedBy],
      overlong: planned.overlong === true,
      ranMs: startedAt === undefined || completedAt === undefined ? undefined : completedAt - startedAt,
      excuse: stage.harm.excuse(stage.ecs.ledger.launched().filter((task) => beganOn(job, task))),
    };
  });
}

/** Names of runners come again when a request is made again, so the time tells which task it was. */
function beganOn({ startedBy, startedAt = 0 }: Job, { group, times }: TaskRecord): boolean {
  return startedBy.includes(group) && times.createdAt <= startedAt && startedAt <= (times.stoppedAt ?? Number.POSITIVE_INFINITY);
}

function launches({ github, ecs, harm }: Stage, { jobs }: Played): Launches {
  const began = [...github.world.jobs.values()].filter(({ startedBy }) => startedBy.length > 0);
  const tasks = ecs.ledger.launched();
  return {
    tasks: tasks.length,
    idle: tasks.filter((task) => !began.some((job) => beganOn(job, task))).length,
    keptBack: [...jobs.values()].filter(({ assignAfterMs }) => assignAfterMs !== undefined).length,
    hits: harm.hits,
  };
}
