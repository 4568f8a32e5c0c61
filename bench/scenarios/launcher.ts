import type { Job } from "../../test/sim/github/state/model.ts";
import { queueJobs, untilTrue } from "../jobs.ts";
import { launcherSettings } from "../bare/launcher-settings.ts";
import { startBare } from "../bare/start.ts";
import { useOf, usedBetween } from "../process-use.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { median, quantile } from "../statistics.ts";
import { Timeline } from "../timeline.ts";

/** launcher is burst1000 with a process that only mints and launches: the least that harness, simulators and machine cost. */
export async function launcher(stage: Stage): Promise<Outcome> {
  const count = stage.scale(1_000);
  const { world } = stage;
  await using process = await startBare("launcher", await launcherSettings(world));
  for (const { app } of world.teams) world.github.setReceivers([process.webhookUrl], app);
  const ended = async (jobs: readonly Job[]): Promise<void> => {
    try {
      await untilTrue("all jobs to end", 60_000, () => jobs.every(({ status }) => status === "completed"));
    } catch (error) {
      throw new Error(`the launcher failed: ${(await process.output()).slice(-500)}`, { cause: error });
    }
  };
  // Connections and the first compilation are no part of a burst.
  await ended(queueJobs(stage, world.teams.length));
  const timeline = new Timeline(world, stage.requests);
  const before = useOf(process.pid);
  const startedAt = performance.now();
  const jobs = queueJobs(stage, count);
  await ended(jobs);
  const launchedMs = Math.max(...[...timeline.jobs.values()].map(({ launched = 0 }) => launched)) - startedAt;
  const cpuMs = usedBetween(before, useOf(process.pid));
  timeline.stop();
  const launches = timeline.between("queued", "launched");
  return {
    figures: {
      "last RunTask ms": launchedMs,
      "launched/s": (count / launchedMs) * 1_000,
      "webhook -> RunTask ms p50": median(launches),
      "webhook -> RunTask ms p99": quantile(launches, 0.99),
      "launcher CPU ms/job": cpuMs / count,
    },
    broken: [],
  };
}
