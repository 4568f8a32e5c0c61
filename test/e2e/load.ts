import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../support/until.ts";
import type { Job } from "../sim/github/state/model.ts";
import { expectAllDone, maxRunners, queueJobs, requestsOf } from "./jobs.ts";
import type { Stage } from "./stage.ts";
import type { Detail } from "./story.ts";

/** A job comes this often while a change goes on, and no more than so many: they have to be served afterwards. */
const jobEveryMs = 1_000;
const mostArrivals = 25;
/** So often GitHub tells of something else: a moment in which nobody takes webhooks must not fall between two of them. */
const pingEveryMs = 100;

/** fillTarget queues more jobs than the target may have runners, and waits until some run and some wait for a slot. */
export async function fillTarget(stage: Stage, durationMs: number): Promise<Job[]> {
  const jobs = [...queueJobs(stage, maxRunners, durationMs), ...queueJobs(stage, 2, 1_000)];
  await until("jobs that run and jobs that wait", 60_000, async () => {
    const phases = await phasesOf(stage, jobs);
    if (!phases.includes("Running") || !phases.includes("Pending")) throw new Error(phases.join(", "));
  });
  return jobs;
}

/**
 * underLoad makes a change while jobs run, wait and arrive, and then compares the books of all sides. Nothing holds webhooks back
 * meanwhile, and each must be answered with 2xx at its first try: GitHub sends none again by itself. Jobs that run `already` are part of it.
 */
export async function underLoad(
  stage: Stage,
  detail: Detail,
  change: () => Promise<unknown>,
  already: readonly Job[] = [],
): Promise<void> {
  const { github } = stage;
  const since = new Set(github.webhooks.log.list().map(({ id }) => id));
  const jobs = await fillTarget(stage, 8_000);
  const phases = await phasesOf(stage, jobs);
  const before = jobs.length;
  const startedAt = Date.now();
  const going = { on: true };
  const changing = change().finally(() => {
    going.on = false;
  });
  // Its failure is told below, when what came meanwhile is counted.
  changing.catch(() => undefined);
  const arrive = async (): Promise<void> => {
    while (going.on && jobs.length < before + mostArrivals) {
      jobs.push(...queueJobs(stage, 1, 500));
      await sleep(jobEveryMs);
    }
  };
  const pings: Promise<unknown>[] = [];
  const ping = async (): Promise<void> => {
    const { app } = github;
    while (going.on) {
      pings.push(github.webhooks.send(app, "ping", { zen: "Keep it logically awesome.", hook_id: app.hook.id }));
      await sleep(pingEveryMs);
    }
  };
  await Promise.all([arrive(), ping(), changing]);
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  await expectAllDone(stage, [...already, ...jobs], 120_000);
  await Promise.all([github.webhooks.settled(), ...pings]);
  const deliveries = github.webhooks.log.list().filter(({ id }) => !since.has(id));
  const failed = deliveries.filter(({ statusCode }) => statusCode < 200 || statusCode >= 300);
  if (failed.length > 0) {
    const words = failed.map(
      ({ status, event, deliveredAt, responseBody }) =>
        `${((deliveredAt - startedAt) / 1_000).toFixed(1)} s: ${status} ${event.name} ${event.action ?? ""} ${responseBody}`,
    );
    throw new Error(`${failed.length} of ${deliveries.length} webhooks failed:\n${words.join("\n")}`);
  }
  const counts = ["Running", "Pending"].map((phase) => `${phases.filter((one) => one === phase).length} ${phase}`).join(", ");
  detail(`${seconds} s, ${counts} at its beginning, ${jobs.length - before} arrived; ${deliveries.length} webhooks, all 2xx`);
}

async function phasesOf(stage: Stage, jobs: readonly Job[]): Promise<string[]> {
  return (await requestsOf(stage, jobs)).map(({ status }) => status?.phase ?? "Pending");
}
