import { bounds } from "./bounds.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import type { TaskRecord } from "../sim/ecs/state/task.ts";
import type { GitHubSim } from "../sim/github/sim.ts";
import type { Job, Runner } from "../sim/github/state/model.ts";
import type { Harm } from "./harm.ts";
import { jobTimeoutMs } from "./script.ts";

/** Worker is a registration as far as it matters whether it may be stopped. */
export type Worker = Pick<Runner, "name"> & { readonly job: Pick<Job, "id" | "status" | "startedAt"> | undefined };

/** stoppedAtWork says what is wrong with a StopTask at the moment in which it comes; undefined if nothing is. */
export function stoppedAtWork(
  { id, group }: Pick<TaskRecord, "id" | "group">,
  workers: readonly Worker[],
  nowMs: number,
): string | undefined {
  const job = workers.find((worker) => worker.name === group && worker.job !== undefined)?.job;
  if (job === undefined || job.status === "completed") return undefined;
  // Also one that was assigned and has not begun: its runner is about to say that it has.
  if (job.startedAt !== undefined && nowMs - job.startedAt >= jobTimeoutMs - bounds.timeoutSlackMs) return undefined;
  return `task ${id} (${group}) was stopped while job ${job.id} was ${job.status} on it`;
}

/** Stops are all that were judged, and what was wrong with some. */
export interface Stops {
  readonly seen: ReadonlySet<string>;
  readonly wrong: readonly string[];
}

/** watchStops judges each StopTask when it comes: afterwards nobody could tell whether the job or the stop was first. */
export function watchStops({ ecs, github, harm }: { ecs: EcsSim; github: GitHubSim; harm: Harm }): Stops {
  const wrong: string[] = [];
  const seen = new Set<string>();
  ecs.onChange((task) => {
    // The harness never stops tasks in this way, so whoever did is the operator.
    if (task.stopCode !== "UserInitiated" || seen.has(task.id)) return;
    seen.add(task.id);
    const why = stoppedAtWork(task, github.registrations(), Date.now());
    if (why !== undefined && harm.excuse([task]) === undefined) wrong.push(why);
  });
  return { seen, wrong };
}
