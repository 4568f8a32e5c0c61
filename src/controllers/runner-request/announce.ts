import type { EventReason } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isTrue } from "../../kube/conditions.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import type { Recorder } from "../../kube/recorder.ts";
import type { Change } from "../../kube/store.ts";
import type { Logger } from "../../telemetry/log.ts";

/**
 * announce is an informer's handler: it tells of the job that a runner took. Intake records that, on whichever replica got the event;
 * the leader sees the change and publishes it once.
 */
export function announce(change: Change<DeepReadonly<RunnerRequest>>, recorder: Recorder<EventReason>, log: Logger): void {
  if (change.type !== "update") return;
  const { old, new: now } = change;
  const job = now.status?.assignedJob;
  if (job === undefined || isTrue(old.status?.conditions, "Assigned") || !isTrue(now.status?.conditions, "Assigned")) return;
  const runner = now.status?.runner?.name ?? "the runner";
  const note = `${runner} took ${job.repository}: "${job.name}"${job.id === now.spec.job.id ? "" : ", another job than the one that asked"}`;
  recorder.event(now, { type: "Normal", reason: "JobStarted", action: "Observe", note });
  const { id, deliveryId: delivery } = now.spec.job;
  // GitHub may have given the runner another job than the one that asked: each has its field, as in all lines of a request.
  const facts = { runnerRequest: keyText(keyOf(now)), delivery, job: id, assignedJob: job.id, runner };
  log.info({ ...facts, providerId: now.status?.instance?.providerId }, "runner took a job");
}
