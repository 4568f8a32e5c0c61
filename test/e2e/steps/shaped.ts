import { expectAllDone, labels, maxRunners, requestsOf } from "../jobs.ts";
import { apply } from "../kube.ts";
import { type KubeObject, repository, runnerTarget, teamNamespace } from "../objects.ts";
import type { Stage } from "../stage.ts";
import type { Detail } from "../story.ts";
import type { Job } from "../../sim/github/state/model.ts";

/** shapedTarget is the target as its people write it once there are override labels. */
export const shapedTarget: KubeObject = runnerTarget("web", {
  labels,
  classRef: "fargate",
  maxRunners,
  overrides: { cpu: { max: 1 }, memory: { max: "4Gi" } },
});

/** queueShapedJob queues a job that asks for more than the class gives. */
export function queueShapedJob({ github }: Stage, durationMs: number): Job {
  return github.queueJob({ repository, labels: [...labels, "cpu=0.5", "memory=1Gi"], durationMs });
}

/** serveShapedJob uses a field that the previous version's kinds would refuse, and what only this version can do with it. */
export async function serveShapedJob(stage: Stage, detail: Detail): Promise<void> {
  const { cluster, ecs } = stage;
  await apply(stage, [shapedTarget]);
  await cluster.kubectl(["wait", "--for=condition=Ready", "--timeout=30s", "-n", teamNamespace, "runnertarget/web"]);
  const job = queueShapedJob(stage, 500);
  await expectAllDone(stage, [job], 60_000);
  const [request] = await requestsOf(stage, [job]);
  const [task] = await ecs.tasksOf(request?.metadata.uid ?? "");
  const size = `${task?.overrides?.cpu ?? task?.cpu} CPU units, ${task?.overrides?.memory ?? task?.memory} MiB`;
  if (size !== "512 CPU units, 1024 MiB") throw new Error(`the task of a job with cpu=0.5 and memory=1Gi has ${size}`);
  detail(`spec.overrides of the target is accepted, and a job with cpu=0.5 and memory=1Gi got ${size}`);
}
