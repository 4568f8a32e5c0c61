import { assign, unbind } from "./assignment.ts";
import { completeJob } from "./jobs.ts";
import type { Job, RemovedBy, Runner } from "./model.ts";
import { removeRunner } from "./runners.ts";
import type { World } from "./world.ts";

/** A cancelled job whose runner does not answer is over after this time. */
const cancelGraceMs = 5 * 60_000;

/** tick makes everything happen that only time brings about. */
export function tick(world: World): void {
  for (const job of [...world.open]) age(world, job);
  for (const runner of [...world.runners.values()]) {
    if (runner.phase === "offline" && !runner.job && world.now() >= (runner.busyUntil ?? 0)) runner.busy = false;
    const by = runner.busy ? undefined : removal(world, runner);
    if (by) removeRunner(world, runner, by);
  }
  assign(world);
}

function age(world: World, job: Job): void {
  const now = world.now();
  const { settings } = world;
  const since = (moment: number | undefined) => now - (moment ?? now);
  if (job.status === "in_progress") {
    if (job.lockedUntil !== undefined && now >= job.lockedUntil) completeJob(world, job, "failure");
    else if (since(job.cancelRequestedAt) >= cancelGraceMs) completeJob(world, job, "cancelled");
  } else if (job.status === "queued" && job.runner) {
    // The runner stays online and idle; GitHub may well choose it again.
    if (since(job.assignedAt) >= settings.acquireMs) unbind(world, job, "not acquired in time");
  } else if (job.status === "queued" && since(job.queuedAt) >= settings.queueLimitMs) {
    completeJob(world, job, "cancelled");
  }
}

/** Why GitHub takes a runner's registration away now, if it does. */
function removal(world: World, runner: Runner): RemovedBy | undefined {
  const { idleReapMs, offlineReapMs } = world.settings;
  const passed = (moment: number | undefined, ms: number) => moment !== undefined && world.now() - moment >= ms;
  switch (runner.phase) {
    case "online":
      return passed(runner.idleSince, idleReapMs) ? "idle-reaped" : undefined;
    case "minted":
      return passed(runner.mintedAt, offlineReapMs) ? "never-connected" : undefined;
    case "offline":
      return passed(runner.disconnectedAt, offlineReapMs) ? "disconnected" : undefined;
    case "gone":
      return undefined;
    default:
      return runner.phase satisfies never;
  }
}
