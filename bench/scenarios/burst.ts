import { queueJobs, stateOf, untilClean, untilTrue } from "../jobs.ts";
import { Meter } from "../meter.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { median, quantile } from "../statistics.ts";
import { Timeline } from "../timeline.ts";

/** burst queues jobs at once and follows each until it is cleaned up. */
export async function burst(stage: Stage, size: number): Promise<Outcome> {
  const count = stage.scale(size);
  const operator = await stage.startOperator();
  await stage.applyObjects();
  // What only the first job pays for (a task definition, tokens) is no part of a burst.
  await untilClean(stage, queueJobs(stage, stage.world.teams.length), 60_000);
  const timeline = new Timeline(stage.world, stage.requests);
  const meter = await Meter.start(stage, operator);
  const startedAt = performance.now();
  const jobs = queueJobs(stage, count);
  const launched = (): boolean => timeline.between("queued", "launched").length >= count;
  await untilTrue("all jobs to be launched", stage.options.throttle ? 180_000 : 60_000, launched, () => stateOf(stage));
  const launchedMs = Math.max(...[...timeline.jobs.values()].map(({ launched = 0 }) => launched)) - startedAt;
  await untilClean(stage, jobs, 60_000);
  const used = await meter.perJob(count);
  timeline.stop();
  const webhooks = timeline.between("queued", "answered");
  const launches = timeline.between("queued", "launched");
  const doubled = [...timeline.jobs.values()].filter(({ tasks }) => tasks > 1).length;
  const teams = stage.world.teams.length;
  const all = "GitHub calls/job, nets and all";
  const allGitHub = (used["GitHub calls/job"] ?? 0) + (used["GitHub calls of the safety nets"] ?? 0) / count;
  return {
    figures: {
      "last RunTask ms": launchedMs,
      "launched/s": (count / launchedMs) * 1_000,
      "webhook ms p50": median(webhooks),
      "webhook ms max": Math.max(...webhooks),
      "webhook -> RunTask ms p50": median(launches),
      "webhook -> RunTask ms p99": quantile(launches, 0.99),
      "webhook -> object ms p50": median(timeline.between("queued", "stored")),
      "object -> mint ms p50": median(timeline.between("stored", "minted")),
      "mint -> RunTask ms p50": median(timeline.between("minted", "launched")),
      "launched twice": doubled,
      ...used,
    },
    broken: [
      ...(doubled > 0 ? [`${doubled} jobs were launched twice`] : []),
      ...over(used, "RunnerRequest calls/job", 9),
      // A scope's runners are listed once in a while, however few jobs there are.
      ...over(used, "GitHub calls/job", 1.2 + (2 * teams) / count),
      // The nets look at jobs whose events are late, which may be all of them where the machine is busy: once at each.
      ...over(used, "GitHub calls of the safety nets", count + 3 * teams),
      // A full run has its machine for itself, and few events are late.
      ...(count >= 1_000 ? over({ [all]: allGitHub }, all, 1.5 + (3 * teams) / count) : []),
      ...over(used, "ECS calls/job", 1.5),
    ],
  };
}

/** over says which count is above its bar. */
export function over(figures: Readonly<Record<string, number>>, name: string, most: number): string[] {
  const value = figures[name] ?? 0;
  return value > most ? [`${name} is ${value.toFixed(2)}, at most ${most} are allowed`] : [];
}
