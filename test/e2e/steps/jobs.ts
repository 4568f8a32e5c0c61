import { expectAllDone, queueJobs, requestsOf } from "../jobs.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { until } from "../../support/until.ts";
import { webhookUrl } from "../webhook-url.ts";

/** runJobs is the main job: queued at GitHub, told to the Service by webhook, run in containers, reported back. */
export async function runJobs(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, directory, engine, github, release } = stage;
  const url = await webhookUrl(cluster, release, directory);
  github.setReceivers([url]);
  const jobs = queueJobs(stage, 6, 3_000);
  await until("a container that runs", 40_000, async () => {
    if (!/-runner Up /.test(await engine.containers())) throw new Error(await engine.containers());
  });
  await expectAllDone(stage, jobs, 60_000);
  // The emulator names a container after its task.
  const containers = await engine.containers();
  for (const { metadata, status } of await requestsOf(stage, jobs)) {
    const task = status?.instance?.providerId.split("/").at(-1)?.slice(0, 8) ?? "none";
    if (!containers.includes(`-${task}-runner Exited (0)`))
      throw new Error(`${metadata.name}, task ${task}: not in\n${containers}`);
  }
  const failed = github.webhooks.log.list().filter(({ statusCode }) => statusCode >= 300);
  if (failed.length > 0) throw new Error(`webhooks failed: ${failed.map(({ status, url: to }) => `${status} ${to}`).join(", ")}`);
  const [name = ""] = containers.split(/\s+/).filter((word) => word.endsWith("-runner"));
  const last = (await engine.logs(name)).trim().split("\n").at(-1) ?? "";
  if (!last.includes("completed with result: Succeeded")) throw new Error(`a container's last words are "${last}"`);
  detail(`webhooks to ${url}; a container's last words: ${last}`);
}
