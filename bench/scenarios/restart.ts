import { queueJobs, untilTrue } from "../jobs.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { Timeline } from "../timeline.ts";
import { addFullTarget, addWaiting } from "../waiting-requests.ts";

/** restart lets a new process take over thousands of live requests, and gives it one new job. */
export async function restart(stage: Stage): Promise<Outcome> {
  const count = stage.scale(10_000);
  const first = await stage.startOperator();
  await stage.applyObjects();
  await addFullTarget(stage);
  await addWaiting(stage, 0, count);
  await untilTrue("all requests to wait", 300_000, () => {
    let waiting = 0;
    for (const { status } of stage.requests.store.list()) if (status?.conditions !== undefined) waiting += 1;
    return waiting >= count;
  });
  await first.stop();
  const { github, ecs } = stage.world;
  const before = { github: github.counters().rest, ecs: ecs.calls.count() };
  const startedAt = performance.now();
  await stage.startOperator();
  const readyMs = performance.now() - startedAt;
  const timeline = new Timeline(stage.world, stage.requests);
  queueJobs(stage, 1);
  await untilTrue("the new job to be launched", 120_000, () => timeline.between("queued", "launched").length >= 1);
  const launchedMs = performance.now() - startedAt;
  const calls = { github: github.counters().rest - before.github, ecs: ecs.calls.count() - before.ecs };
  timeline.stop();
  return {
    figures: {
      "ready after ms": readyMs,
      "new job launched after ms": launchedMs,
      "GitHub calls": calls.github,
      "ECS calls": calls.ecs,
    },
    broken:
      calls.github > 100 || calls.ecs > 100 ? [`a new leader made ${calls.github} calls to GitHub and ${calls.ecs} to ECS`] : [],
  };
}
