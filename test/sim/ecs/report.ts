import type { EcsSim } from "./sim.ts";
import type { Violation } from "./dispatch.ts";
import type { Overlap } from "./ledger.ts";
import { isLive, type TaskRecord } from "./state/task.ts";

/** Report sums up what happened in the simulated account since its start or last reset. */
export interface Report {
  readonly launched: number;
  /** Tasks that have not stopped: what a test that is over has left behind. */
  readonly live: readonly string[];
  readonly stopCodes: Readonly<Record<string, number>>;
  readonly perStartedBy: Readonly<Record<string, number>>;
  readonly perCapacity: Readonly<Record<string, number>>;
  readonly maxLive: number;
  /** Pairs of startedBy and group under which two tasks lived at the same time. */
  readonly doubled: readonly Overlap[];
  readonly calls: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Calls that a token bucket refused, by bucket. */
  readonly throttled: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

export function makeReport(sim: EcsSim): Report {
  const launched = sim.ledger.launched();
  return {
    launched: launched.length,
    live: launched.filter(isLive).map((task) => task.arn),
    stopCodes: countBy(launched.filter((task) => !isLive(task)).map((task) => task.stopCode ?? "none")),
    perStartedBy: countBy(launched.map((task) => task.startedBy ?? "")),
    perCapacity: countBy(launched.map((task) => task.capacity)),
    maxLive: sim.ledger.maxLive(() => "all").get("all") ?? 0,
    doubled: sim.ledger.overlaps(startedByAndGroup),
    calls: sim.calls.outcomes(),
    throttled: sim.throttle.refused(),
    violations: [...sim.violations],
  };
}

/** startedByAndGroup is the key that says which launch a task belongs to; tasks without startedBy belong to none. */
export function startedByAndGroup(task: TaskRecord): string | undefined {
  return task.startedBy === undefined ? undefined : `${task.startedBy} ${task.group}`;
}

function countBy(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) {
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
