import { canTake } from "./matching.ts";
import type { Job, Runner } from "./model.ts";
import type { World } from "./world.ts";

/** assign gives waiting jobs to idle runners until nothing fits any more. Called after every change that could make a pair. */
export function assign(world: World): void {
  if (world.assignmentsHeld) return;
  const now = world.now();
  const order = <T>(items: T[]): T[] => (world.settings.assignment === "random" ? world.random.shuffled(items) : items);
  const waiting = [...world.open]
    .filter((job) => job.status === "queued" && !job.runner && !job.hosted && (job.notBefore ?? 0) <= now)
    .sort((a, b) => (a.queuedAt ?? 0) - (b.queuedAt ?? 0) || a.id - b.id);
  if (waiting.length === 0) return;
  const idle = [...world.runners.values()]
    .filter((runner) => runner.phase === "online" && !runner.busy)
    .sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0) || a.id - b.id);
  for (const job of order(waiting)) {
    const runner = order(idle).find((candidate) => !candidate.busy && canTake(candidate, job));
    // A listener that acts on the assignment may have taken the job or the runner away.
    if (runner && job.status === "queued" && !job.runner && runner.phase === "online") bind(world, job, runner, now);
  }
}

/** A bound runner counts as busy before it has heard of its job: from here on DELETE answers 422. */
function bind(world: World, job: Job, runner: Runner, now: number): void {
  job.runner = runner;
  job.assignedAt = now;
  job.assignments += 1;
  runner.job = job;
  runner.busy = true;
  world.record("job-assigned", { job, runner });
}

/** unbind takes the job back from a runner that never acquired it, and lets somebody else have it. */
export function unbind(world: World, job: Job, reason: string): void {
  const { runner } = job;
  if (!runner || job.status !== "queued") return;
  job.runner = undefined;
  job.assignedAt = undefined;
  runner.job = undefined;
  runner.busy = false;
  world.record("job-requeued", { job, runner, detail: reason });
}
