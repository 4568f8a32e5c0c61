import type { ReasonOf } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { isFinished, isLetGo } from "../../request/phase.ts";

type Request = DeepReadonly<RunnerRequest>;

/** holdsSlot tells whether a stored request counts against maxRunners: admitted, and its instance not gone yet. */
export function holdsSlot(request: Request): boolean {
  // Nobody writes the status any more of one that somebody let go, so it would hold its slot for ever.
  if (!isTrue(request.status?.conditions, "Admitted") || isLetGo(request)) return false;
  const instance = request.status?.instance;
  // What became of its job may take a while to find out after its end; there is no runner meanwhile.
  return instance === undefined ? !isFinished(request.status) : instance.state !== "Stopped";
}

/** Reasons of Admitted with which a request asks for no slot: in the queue it would hold up those behind it. */
const notAsking: readonly string[] = [
  "AwaitingRetry",
  "AwaitingChange",
  "NotNeeded",
  "LabelsChanged",
] satisfies ReasonOf<"Admitted">[];

/**
 * wantsSlot tells whether a stored request waits for a slot: alive, and no pause between attempts going on. One that is admitted does not,
 * although it may hold none any more: its instance has ended, and it waits to hear what became of the job.
 */
export function wantsSlot(request: Request): boolean {
  if (isFinished(request.status) || isLetGo(request) || request.metadata.deletionTimestamp !== undefined) return false;
  const admitted = getCondition(request.status?.conditions, "Admitted");
  return admitted?.status !== "True" && !notAsking.includes(admitted?.reason ?? "");
}
