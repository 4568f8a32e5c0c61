import { setTimeout as sleep } from "node:timers/promises";
import { queueJobs, untilClean } from "../jobs.ts";
import { Meter } from "../meter.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { median, quantile } from "../statistics.ts";
import { Timeline } from "../timeline.ts";
import { over } from "./burst.ts";

/** one runs job after job, each on a system that has nothing else to do. */
export async function one(stage: Stage): Promise<Outcome> {
  const count = stage.scale(100);
  const startedAt = performance.now();
  const operator = await stage.startOperator();
  const readyMs = performance.now() - startedAt;
  await stage.applyObjects();
  for (let warm = 0; warm < 20; warm++) await untilClean(stage, queueJobs(stage, 1), 60_000);
  const timeline = new Timeline(stage.world, stage.requests);
  const meter = await Meter.start(stage, operator);
  for (let index = 0; index < count; index++) {
    await untilClean(stage, queueJobs(stage, 1), 60_000);
    // Leftovers of one job (events, the last writes) are no part of the next.
    await sleep(30);
  }
  const used = await meter.perJob(count);
  timeline.stop();
  const launches = timeline.between("queued", "launched");
  return {
    figures: {
      "process start -> ready ms": readyMs,
      "webhook -> RunTask ms p50": median(launches),
      "webhook -> RunTask ms p99": quantile(launches, 0.99),
      "webhook -> object ms p50": median(timeline.between("queued", "stored")),
      "object -> mint ms p50": median(timeline.between("stored", "minted")),
      "mint -> RunTask ms p50": median(timeline.between("minted", "launched")),
      ...used,
    },
    broken: over(used, "RunnerRequest calls/job", 9),
  };
}
