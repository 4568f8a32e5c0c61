import { setTimeout as sleep } from "node:timers/promises";
import { apiUse, eventsOf } from "../api-use.ts";
import { queueJobs, untilClean, untilTrue } from "../jobs.ts";
import { Meter } from "../meter.ts";
import { useOf } from "../process-use.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { addFullTarget, addWaiting } from "../waiting-requests.ts";

/** How long nothing is written when all is. */
const quietMs = 2_000;

/** scale measures what a job costs beside 100 live requests, then beside 1,000, then beside 10,000, in one process. */
export async function scale(stage: Stage): Promise<Outcome> {
  const operator = await stage.startOperator();
  await stage.applyObjects();
  await addFullTarget(stage);
  await untilClean(stage, queueJobs(stage, stage.world.teams.length), 60_000);
  await untilTold(stage);
  const idleMiB = useOf(operator.pid).rssMiB;
  const figures: Record<string, number> = { "RSS idle MiB": idleMiB };
  // The first jobs pay for compilation, which has nothing to do with how many requests there are.
  await untilClean(stage, queueJobs(stage, stage.scale(200)), 60_000);
  let live = 0;
  for (const wanted of [100, 1_000, 10_000].map((each) => stage.scale(each))) {
    await addWaiting(stage, live, wanted - live);
    live = wanted;
    await untilTrue(`${wanted} requests to wait`, 300_000, () => waiting(stage) >= wanted);
    await untilTold(stage);
    const meter = await Meter.start(stage, operator);
    const count = stage.scale(100);
    for (let round = 0; round < 4; round++) await untilClean(stage, queueJobs(stage, count / 4), 60_000);
    const used = await meter.perJob(count);
    const {
      "operator CPU ms/job": cpu = 0,
      "RunnerRequest calls/job": calls = 0,
      "Event calls/job": events = 0,
      "all CPU ms/job": all = 0,
    } = used;
    figures[`operator CPU ms/job at ${wanted}`] = cpu;
    figures[`all CPU ms/job at ${wanted}`] = all;
    figures[`RunnerRequest calls/job at ${wanted}`] = calls;
    figures[`Event calls/job at ${wanted}`] = events;
    figures[`RSS at ${wanted} MiB`] = useOf(operator.pid).rssMiB;
  }
  return { figures, broken: [] };
}

/** Events are written behind what they tell of: ten thousand requests that wait leave some for the next seconds, which cost those. */
async function untilTold(stage: Stage): Promise<void> {
  let told = -1;
  await untilTrue("the events to be written", 120_000, async () => {
    const before = told;
    told = eventsOf(apiUse(await stage.controlPlane.metrics()));
    if (told !== before) await sleep(quietMs);
    return told === before;
  });
}

function waiting(stage: Stage): number {
  let count = 0;
  for (const { spec, status } of stage.requests.store.list()) {
    if (spec.targetRef.name === "full" && status?.conditions?.some(({ reason }) => reason === "TargetAtCapacity") === true)
      count += 1;
  }
  return count;
}
