import { total } from "../../demo/api-requests.ts";
import type { Row } from "../../demo/verdict.ts";
import { documented } from "../sim/ecs/throttle.ts";
import type { Seen } from "./play.ts";

/** What a burst may cost. The share is of all answers, and of those to RunTask alone. */
const limits = { throttledShare: 0.02, runTaskPerJob: 1.05, otherPerJob: 0.5, otherPerJobWithEvents: 0.2 } as const;
/** Beyond this the time is remarked upon. Nothing is judged by the clock: the machine may be busy. */
const slowRatio = 1.2;

/** allowedMs is how long AWS' buckets take for so many launches on Fargate, the slowest of the three. */
export function allowedMs(launches: number): number {
  const buckets = [documented.clusterResourceModify, documented.fargateRunTask, documented.fargateOnDemandLaunch];
  return Math.max(...buckets.map(({ burst, perSecond }) => (Math.max(0, launches - burst) / perSecond) * 1_000));
}

/** Timing is the time to the last RunTask against what the buckets allow; for people. */
export interface Timing {
  readonly allowedMs: number;
  readonly ratio: number;
  readonly slow: boolean;
}

/** timingOf compares the time from the first job on. */
export function timingOf({ jobs, fromQueueMs }: Pick<Seen, "jobs" | "fromQueueMs">): Timing {
  const allowed = allowedMs(jobs);
  const ratio = fromQueueMs / allowed;
  return { allowedMs: allowed, ratio, slow: ratio > slowRatio };
}

/** Costs are the calls to ECS of a burst. */
export interface Costs {
  readonly runTaskPerJob: number;
  readonly otherPerJob: number;
  /** Per job, by operation. */
  readonly other: Readonly<Record<string, number>>;
  readonly throttledShare: number;
  readonly throttledShareOfRunTask: number;
}

/** costsOf adds the calls up. */
export function costsOf({ jobs, calls }: Pick<Seen, "jobs" | "calls">): Costs {
  const { RunTask = {}, ...others } = calls;
  const other = Object.fromEntries(Object.entries(others).map(([operation, outcomes]) => [operation, total(outcomes) / jobs]));
  const throttled = (outcomes: Readonly<Record<string, number>>): number => outcomes["ThrottlingException"] ?? 0;
  const all = Object.values(calls);
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    runTaskPerJob: total(RunTask) / jobs,
    otherPerJob: total(other),
    other,
    throttledShare: share(
      all.reduce((sum, outcomes) => sum + throttled(outcomes), 0),
      all.reduce((sum, outcomes) => sum + total(outcomes), 0),
    ),
    throttledShareOfRunTask: share(throttled(RunTask), total(RunTask)),
  };
}

/** judge says what must hold of a burst, whatever the clock says. */
export function judge(seen: Seen, events: boolean): Row[] {
  const costs = costsOf(seen);
  const count = (is: (launches: number) => boolean): number => seen.launches.filter(is).length;
  const otherLimit = events ? limits.otherPerJobWithEvents : limits.otherPerJob;
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  return [
    { what: "everything came to its end", expected: "yes", seen: seen.trouble ?? "yes", ok: seen.trouble === undefined },
    none(
      "jobs that nothing was launched for",
      count((launches) => launches === 0),
    ),
    none("jobs that were launched twice", count((launches) => launches > 1) + seen.doubled),
    none("tasks that are left", seen.live),
    none("requests that ECS or GitHub would not have understood", seen.violations.length),
    below("throttled answers, of all", costs.throttledShare, limits.throttledShare, percent),
    below("throttled answers, of RunTask", costs.throttledShareOfRunTask, limits.throttledShare, percent),
    atMost("RunTask calls per job", costs.runTaskPerJob, limits.runTaskPerJob),
    atMost("all other ECS calls per job", costs.otherPerJob, otherLimit),
  ];
}

function none(what: string, seen: number): Row {
  return { what, expected: "0", seen: String(seen), ok: seen === 0 };
}

function atMost(what: string, seen: number, limit: number): Row {
  return { what, expected: `at most ${limit}`, seen: seen.toFixed(3), ok: seen <= limit };
}

function below(what: string, seen: number, limit: number, show: (value: number) => string): Row {
  return { what, expected: `below ${show(limit)}`, seen: show(seen), ok: seen < limit };
}
