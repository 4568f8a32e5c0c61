import { queueJobs, untilClean } from "../jobs.ts";
import type { Outcome } from "../scenarios.ts";
import type { Stage } from "../stage.ts";
import { median } from "../statistics.ts";
import { Timeline } from "../timeline.ts";

/** double sends every webhook three times, in turn to two operators of which one leads: still one runner for each job. */
export async function double(stage: Stage): Promise<Outcome> {
  const count = stage.scale(200);
  const first = await stage.startOperator();
  const second = await stage.startOperator(["--roles", "intake"]);
  for (const { app } of stage.world.teams) stage.world.github.setReceivers([first.webhookUrl, second.webhookUrl], app);
  await stage.applyObjects();
  const timeline = new Timeline(stage.world, stage.requests);
  stage.world.github.webhooks.addFault({ kind: "duplicate", times: 3 * count });
  const jobs = queueJobs(stage, count);
  await untilClean(stage, jobs, 180_000);
  timeline.stop();
  const doubled = [...timeline.jobs.values()].filter(({ tasks }) => tasks > 1).length;
  const requests = [...stage.requests.store.list()].length;
  return {
    figures: {
      "launched twice": doubled,
      "requests/job": requests / count,
      "webhook -> RunTask ms p50": median(timeline.between("queued", "launched")),
    },
    broken: [
      ...(doubled > 0 ? [`${doubled} jobs were launched twice`] : []),
      ...(requests !== count ? [`${requests} requests for ${count} jobs`] : []),
    ],
  };
}
