import { setTimeout as sleep } from "node:timers/promises";
import { expectAllDone, queueJobs } from "../jobs.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";

/** upgrade changes a value of the chart while jobs run and new ones arrive: both pods are replaced, and no webhook goes astray. */
export async function upgrade(stage: Stage, detail: Detail): Promise<void> {
  const { github, release } = stage;
  const before = new Set((await release.pods()).map(({ metadata }) => metadata.uid));
  const since = new Set(github.webhooks.log.list().map(({ id }) => id));
  const jobs = queueJobs(stage, 4, 8_000);
  const upgraded = { done: false };
  const upgrading = release.upgrade({ logLevel: "debug" }).finally(() => {
    upgraded.done = true;
  });
  while (!upgraded.done && jobs.length < 30) {
    jobs.push(...queueJobs(stage, 1, 500));
    await sleep(700);
  }
  await upgrading;
  const old = (await release.pods()).filter(({ metadata }) => before.has(metadata.uid));
  if (old.length > 0) throw new Error(`pods were not replaced: ${old.map(({ metadata }) => metadata.name).join(", ")}`);
  await expectAllDone(stage, jobs, 90_000);
  await github.webhooks.settled();
  const deliveries = github.webhooks.log.list().filter(({ id }) => !since.has(id));
  const failed = deliveries.filter(({ statusCode }) => statusCode >= 300);
  if (failed.length > 0) {
    const words = failed.map(({ status, event, responseBody }) => `${status} ${event.action} ${responseBody}`);
    throw new Error(`${failed.length} of ${deliveries.length} webhooks failed:\n${words.join("\n")}`);
  }
  detail(`${jobs.length} jobs and ${deliveries.length} webhooks during the upgrade`);
}
