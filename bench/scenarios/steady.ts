import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../test/sim/github/state/model.ts";
import { queueJob, queueJobs, untilClean } from "../jobs.ts";
import { Meter } from "../meter.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { median, quantile } from "../statistics.ts";
import { Timeline } from "../timeline.ts";
import { over } from "./burst.ts";

const perSecond = 10;

/** steady queues a job every 100 ms for a minute. */
export async function steady(stage: Stage): Promise<Outcome> {
  const count = stage.scale(600);
  const operator = await stage.startOperator();
  await stage.applyObjects();
  await untilClean(stage, queueJobs(stage, stage.world.teams.length), 60_000);
  const timeline = new Timeline(stage.world, stage.requests);
  const meter = await Meter.start(stage, operator);
  const jobs: Job[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) {
    jobs.push(queueJob(stage, index));
    await sleep(Math.max(0, startedAt + ((index + 1) * 1_000) / perSecond - performance.now()));
  }
  await untilClean(stage, jobs, 60_000);
  const used = await meter.perJob(count);
  timeline.stop();
  const launches = timeline.between("queued", "launched");
  return {
    figures: {
      "webhook -> RunTask ms p50": median(launches),
      "webhook -> RunTask ms p99": quantile(launches, 0.99),
      ...used,
    },
    broken: [...over(used, "RunnerRequest calls/job", 9), ...over(used, "ECS calls/job", 1.5)],
  };
}
