import { findLeaks } from "../support/leaks.ts";
import { fatalLines, type Exit } from "./exits.ts";
import type { Count, Limit } from "./capacity-log.ts";
import type { Coverage } from "./layout.ts";
import type { Played } from "./play.ts";
import { liveHeapMiB } from "./heap.ts";
import { residentMiB } from "./resident.ts";
import type { Rest } from "./rest.ts";
import type { Stage } from "./stage.ts";

/** JobFacts are what became of one job, as GitHub's books tell. */
export interface JobFacts {
  readonly id: number;
  readonly name: string;
  readonly coverage: Coverage;
  readonly status: string;
  readonly conclusion: string | null;
  /** How it should have ended. */
  readonly wanted: string;
  readonly cancelled: boolean;
  /** The runners that began it. */
  readonly startedBy: readonly string[];
  /** Why the script itself may have cost it its runner. */
  readonly excuse: string | undefined;
}

/** Memory is what one operator had in use at rest, in MiB; absent if its process had ended. */
export interface Memory {
  readonly operator: string;
  /** In its heap, after a full collection. */
  readonly liveHeap: number | undefined;
  /** Resident, before that; for the reader. */
  readonly resident: number | undefined;
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
  readonly leaseRisks: readonly { readonly from: number; readonly to: number }[];
  readonly memory: readonly Memory[];
  readonly outages: readonly { readonly ms: number; readonly calls: number; readonly requests: number }[];
}

/** readMemory is the first of two steps, while the operators still run. */
export async function readMemory({ fleet }: Stage): Promise<Memory[]> {
  return await Promise.all(
    fleet.operators.map(async ({ name, process }) => {
      const resident = process === undefined ? undefined : await residentMiB(process.pid);
      return { operator: name, resident, liveHeap: process === undefined ? undefined : await liveHeapMiB(process) };
    }),
  );
}

/** collectEvidence is the second step, after they were stopped. */
export async function collectEvidence(stage: Stage, played: Played, rest: Rest, memory: readonly Memory[]): Promise<Evidence> {
  const { github, ecs, api, fleet, harm, capacity } = stage;
  const requests = await api.list("runnerrequests");
  const logs = await fleet.logs();
  const kinds = ["githubapps", "ecsrunnerclasses", "runnertargets", "runnerrequests", "events", "leases", "configmaps"] as const;
  const objects = await Promise.all(kinds.map(async (kind) => ({ where: `the objects ${kind}`, text: await api.text(kind) })));
  const report = github.report();
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
    counts: capacity.counts,
    limits: capacity.limits,
    reused: report.reused.map(({ name, jobs, connects }) => `${name}: ${jobs.length} jobs, ${connects} connections`),
    violations: [...github.violations, ...ecs.violations].map((violation) => JSON.stringify(violation)),
    leaks: findLeaks(
      [...github.secrets(), ...stage.secrets],
      [...objects, ...logs.map(({ operator, lines }) => ({ where: `the log of operator ${operator}`, text: lines.join("\n") }))],
    ),
    exits: fleet.exits,
    fatal: logs.flatMap(({ operator, lines }) => fatalLines(lines).map((line) => `${operator}: ${line}`)),
    leaseRisks: leaseRisks(stage),
    memory,
    outages: played.outages.map(({ from, to, calls, requests }) => ({ ms: to - from, calls, requests })),
  };
}

function jobFacts({ github, ecs, harm }: Stage, { jobs }: Played): JobFacts[] {
  const tasksOf = new Map<string, string[]>();
  for (const { group, id } of ecs.ledger.launched()) tasksOf.set(group, [...(tasksOf.get(group) ?? []), id]);
  return [...github.world.jobs.values()].flatMap((job) => {
    const planned = jobs.get(job.key);
    if (planned === undefined) return [];
    const excuses = job.startedBy.map((runner) => harm.excuse(runner, tasksOf.get(runner) ?? []));
    return {
      id: job.id,
      name: job.name,
      coverage: planned.coverage,
      status: job.status,
      conclusion: job.conclusion,
      wanted: job.outcome,
      cancelled: job.cancelRequestedAt !== undefined,
      startedBy: [...job.startedBy],
      excuse: planned.overlong === true ? "longer than timeouts.job" : excuses.find((excuse) => excuse !== undefined),
    };
  });
}

/** So long after a fault a Lease may still be lost to it: a process that was started while the API server was away, for example. */
const aftermathMs = 15_000;
/** From the last renewal that went well to the loss. */
const leaseMs = 4_000;

/** What costs an operator its Lease: it was frozen, or the API server did not answer it, or did not answer the harness either. */
function leaseRisks({ script, journal, pulse }: Stage): { from: number; to: number }[] {
  const risky = /^(operator-freeze|kube-)/;
  const faults = script.faults
    .filter(({ kind }) => risky.test(kind))
    .map(({ atMs, forMs }) => ({ from: journal.startedAt + atMs, to: journal.startedAt + atMs + forMs + aftermathMs }));
  return [...faults, ...pulse.slow.map(({ from, to }) => ({ from, to: to + leaseMs }))];
}
