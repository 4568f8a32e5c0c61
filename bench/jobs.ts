import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../test/sim/github/state/model.ts";
import type { Stage } from "./stage.ts";
import { jobMs } from "./world.ts";

/** queueJob queues a job at GitHub, of the team whose turn it is. */
export function queueJob({ world: { github, teams } }: Stage, index: number): Job {
  const team = teams[index % teams.length];
  if (team === undefined) throw new Error("a world without teams");
  return github.queueJob({ repository: team.repository, labels: ["self-hosted", "ecs"], durationMs: jobMs });
}

/** queueJobs queues jobs at GitHub, spread over the teams, all in this instant. */
export function queueJobs(stage: Stage, count: number): Job[] {
  return Array.from({ length: count }, (_, index) => queueJob(stage, index));
}

/** untilTrue waits for something that no event tells of. @throws Error with what `state` says when it does not come. */
export async function untilTrue(
  what: string,
  timeoutMs: number,
  check: () => boolean | Promise<boolean>,
  state?: () => string,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > until) {
      const then = state === undefined ? "" : `: ${state()}`;
      throw new Error(`waited ${Math.round(timeoutMs / 1_000)} s for ${what}, in vain${then}`);
    }
    await sleep(20);
  }
}

/** stateOf says where everything is: how webhooks were answered, how far jobs and requests are. */
export function stateOf({ world, requests }: Stage): string {
  const deliveries = world.teams.flatMap(({ app }) => world.github.webhooks.log.list(app));
  const webhooks = countBy(deliveries, ({ statusCode, responseBody }) =>
    statusCode < 300 ? String(statusCode) : `${statusCode} ${responseBody.slice(0, 200)}`,
  );
  const phases = countBy([...requests.store.list()], ({ status }) => {
    const waiting = status?.conditions?.find((condition) => condition.status !== "True");
    return `${status?.phase ?? "new"}${waiting === undefined ? "" : ` (${waiting.reason})`}`;
  });
  return `webhooks ${webhooks}; requests ${phases}; ${world.ecs.liveTasks().length} tasks`;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): string {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return [...counts].map(([key, count]) => `${key}: ${count}`).join(", ") || "none";
}

/** untilClean waits until every job is over and no request is held. Requests that nobody keeps may have left by then. */
export async function untilClean(
  stage: Stage,
  jobs: readonly Job[],
  timeoutMs: number,
  { kept = true }: { readonly kept?: boolean } = {},
): Promise<void> {
  const state = (): string => stateOf(stage);
  await untilTrue("all jobs to end", timeoutMs, () => jobs.every(({ status }) => status === "completed"), state);
  const clean = (): boolean => {
    if (stage.world.ecs.liveTasks().length > 0) return false;
    const mine = new Set(jobs.map(({ id }) => String(id)));
    let left = mine.size;
    for (const { metadata, spec } of stage.requests.store.list()) {
      if (!mine.has(spec.job.id)) continue;
      if (metadata.finalizers !== undefined) return false;
      left -= 1;
    }
    return left <= 0 || !kept;
  };
  await untilTrue("all requests to be cleaned up", timeoutMs, clean, state);
}
