import { queueJobs, untilClean, untilTrue } from "../jobs.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { Timeline } from "../timeline.ts";

/** kill ends the operator with SIGKILL when half of a burst is launched, and starts the next one at once. */
export async function kill(stage: Stage): Promise<Outcome> {
  const count = stage.scale(200);
  const first = await stage.startOperator();
  await stage.applyObjects();
  const timeline = new Timeline(stage.world, stage.requests);
  const jobs = queueJobs(stage, count);
  await untilTrue("half of the jobs to be launched", 60_000, () => timeline.between("queued", "launched").length >= count / 2);
  await first.kill();
  const killedAt = performance.now();
  await stage.startOperator();
  const readyAt = performance.now();
  await untilTrue("all jobs to be launched", 120_000, () => timeline.between("queued", "launched").length >= count);
  const launchedAt = performance.now();
  await untilClean(stage, jobs, 180_000);
  timeline.stop();
  const doubled = [...timeline.jobs.values()].filter(({ tasks }) => tasks > 1).length;
  return {
    figures: {
      "ready again after ms": readyAt - killedAt,
      "all launched after ms": launchedAt - killedAt,
      "launched twice": doubled,
    },
    broken: doubled > 0 ? [`${doubled} jobs were launched twice`] : [],
  };
}
