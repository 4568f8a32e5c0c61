import type { RunnerRequestStatus } from "../api/v1alpha1/runner-request.ts";
import { getCondition, isTrue } from "../kube/conditions.ts";
import type { DeepReadonly } from "../kube/object.ts";

/** phaseOf sums the conditions up in one word for people; nothing decides by it. */
export function phaseOf(status: DeepReadonly<RunnerRequestStatus>): NonNullable<RunnerRequestStatus["phase"]> {
  const conditions = status.conditions;
  const succeeded = getCondition(conditions, "Succeeded")?.status;
  if (succeeded === "True") return "Succeeded";
  if (succeeded === "False") return "Failed";
  if (status.assignedJob?.state === "Completed" || isRetiring(status)) return "Finishing";
  if (isTrue(conditions, "Assigned")) return "Running";
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

/** isFinished tells whether the request has its outcome. */
export function isFinished(status: DeepReadonly<RunnerRequestStatus> | undefined): boolean {
  const succeeded = getCondition(status?.conditions, "Succeeded")?.status;
  return succeeded === "True" || succeeded === "False";
}
