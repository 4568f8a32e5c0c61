import { runnerFinalizer } from "../api/v1alpha1/names.ts";
import type { RunnerRequest, RunnerRequestStatus } from "../api/v1alpha1/runner-request.ts";
import type { ReasonOf } from "../api/v1alpha1/reasons.ts";
import { getCondition, isTrue } from "../kube/conditions.ts";
import type { DeepReadonly } from "../kube/object.ts";

/** phaseOf sums the conditions up in one word for people; nothing decides by it. */
export function phaseOf(status: DeepReadonly<RunnerRequestStatus>): NonNullable<RunnerRequestStatus["phase"]> {
  const conditions = status.conditions;
  const succeeded = getCondition(conditions, "Succeeded")?.status;
  if (succeeded === "True") return "Succeeded";
  if (succeeded === "False") return "Failed";
  if (status.assignedJob?.state === "Completed" || isRetiring(status)) return "Finishing";
  if (isTrue(conditions, "Assigned") || status.runner?.busySince !== undefined) return "Running";
  if (isTrue(conditions, "Registered")) return "Idle";
  if (isTrue(conditions, "Launched")) return "Starting";
  if (isTrue(conditions, "Admitted")) return "Launching";
  return "Pending";
}

/** isRetiring tells whether the newest attempt was given up and is being cleaned up. */
export function isRetiring(status: DeepReadonly<RunnerRequestStatus>): boolean {
  const newest = status.attempts?.at(-1);
  return newest?.reason !== undefined && newest.endedAt === undefined && status.instance !== undefined;
}

/**
 * isLetGo tells whether somebody took the finalizer away from a request that has begun: it is led no more, what it started is for the
 * sweeps to remove, and it must not stand in anybody's way.
 */
export function isLetGo({ metadata, status }: DeepReadonly<RunnerRequest>): boolean {
  return status !== undefined && metadata.finalizers?.includes(runnerFinalizer) !== true;
}

/** isFinished tells whether the request has its outcome. */
export function isFinished(status: DeepReadonly<RunnerRequestStatus> | undefined): boolean {
  const succeeded = getCondition(status?.conditions, "Succeeded")?.status;
  return succeeded === "True" || succeeded === "False";
}

/** isRejected tells whether the request ended because its job asked for a runner that it may not have. */
export function isRejected({ status }: DeepReadonly<RunnerRequest>): boolean {
  return getCondition(status?.conditions, "Succeeded")?.reason === ("Rejected" satisfies ReasonOf<"Succeeded">);
}
