import { inWords, queueJobs, requestsOf, untilNoContainerRuns } from "../jobs.ts";
import { teamNamespace } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import { until } from "../../support/until.ts";

/** deleteRequest deletes the request of a job that runs: a person's wish, so the runner is stopped although it is busy. */
export async function deleteRequest(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, ecs, engine, github } = stage;
  const jobs = queueJobs(stage, 1, 600_000);
  const request = await until("a job that runs", 40_000, async () => {
    const [found] = await requestsOf(stage, jobs);
    if (found?.status?.phase !== "Running") throw new Error(found === undefined ? "no request" : inWords(found));
    return found;
  });
  await cluster.kubectl(["delete", "runnerrequest", request.metadata.name, "-n", teamNamespace, "--timeout=60s"]);
  const [task] = await ecs.tasksOf(request.metadata.uid ?? "");
  if (task?.lastStatus !== "STOPPED") throw new Error(`the request is gone, and its task is ${task?.lastStatus}`);
  const registered = github.registrations().map(({ name }) => name);
  if (registered.length > 0) throw new Error(`the request is gone, and GitHub still knows ${registered.join(", ")}`);
  await untilNoContainerRuns(engine);
  detail(`the task ended with: ${task.stoppedReason}`);
}
