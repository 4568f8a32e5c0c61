import { queueJobs, untilClean } from "../jobs.ts";
import { Meter } from "../meter.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";

/** cancel takes every second job back in the moment in which it was queued. */
export async function cancel(stage: Stage): Promise<Outcome> {
  const count = stage.scale(200);
  const operator = await stage.startOperator();
  await stage.applyObjects();
  const meter = await Meter.start(stage, operator);
  const jobs = queueJobs(stage, count);
  for (const [index, { id }] of jobs.entries()) if (index % 2 === 0) stage.world.github.cancelJob(id);
  const startedAt = performance.now();
  await untilClean(stage, jobs, 180_000);
  const restMs = performance.now() - startedAt;
  const used = await meter.perJob(count);
  const { ecs } = stage.world;
  return {
    figures: { "tasks/job": ecs.calls.count("RunTask") / count, "at rest after s": restMs / 1_000, ...used },
    broken: ecs.liveTasks().length > 0 ? [`${ecs.liveTasks().length} tasks are left`] : [],
  };
}
