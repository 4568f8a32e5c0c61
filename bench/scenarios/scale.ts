import { queueJobs, untilClean, untilTrue } from "../jobs.ts";
import { Meter } from "../meter.ts";
import { useOf } from "../process-use.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { addFullTarget, addWaiting } from "../waiting-requests.ts";

/** scale measures what a job costs beside 100 live requests, then beside 1,000, then beside 10,000, in one process. */
export async function scale(stage: Stage): Promise<Outcome> {
  const operator = await stage.startOperator();
  await stage.applyObjects();
  await addFullTarget(stage);
  await untilClean(stage, queueJobs(stage, stage.world.teams.length), 60_000);
  const idleMiB = useOf(operator.pid).rssMiB;
  const figures: Record<string, number> = { "RSS idle MiB": idleMiB };
  let live = 0;
  for (const wanted of [100, 1_000, 10_000].map((each) => stage.scale(each))) {
    await addWaiting(stage, live, wanted - live);
    live = wanted;
    await untilTrue(`${wanted} requests to wait`, 300_000, () => waiting(stage) >= wanted);
    const meter = await Meter.start(stage, operator);
    const count = stage.scale(100);
    for (let round = 0; round < 4; round++) await untilClean(stage, queueJobs(stage, count / 4), 60_000);
    const used = await meter.perJob(count);
    const { "operator CPU ms/job": cpu = 0, "RunnerRequest calls/job": calls = 0, "all CPU ms/job": all = 0 } = used;
    figures[`operator CPU ms/job at ${wanted}`] = cpu;
    figures[`all CPU ms/job at ${wanted}`] = all;
    figures[`RunnerRequest calls/job at ${wanted}`] = calls;
    figures[`RSS at ${wanted} MiB`] = useOf(operator.pid).rssMiB;
  }
  return { figures, broken: [] };
}

function waiting(stage: Stage): number {
  let count = 0;
  for (const { spec, status } of stage.requests.store.list()) {
    if (spec.targetRef.name === "full" && status?.conditions?.some(({ reason }) => reason === "TargetAtCapacity") === true)
      count += 1;
  }
  return count;
}
