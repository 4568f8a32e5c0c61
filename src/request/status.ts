import type { ReasonOf, RunnerRequestConditionType } from "../api/v1alpha1/reasons.ts";
import type { RunnerRequest, RunnerRequestStatus } from "../api/v1alpha1/runner-request.ts";
import { type Condition, getCondition, setCondition } from "../kube/conditions.ts";
import type { DeepReadonly } from "../kube/object.ts";
import { phaseOf } from "./phase.ts";

/** RequestStatus is a status that has been opened: all conditions, the job and the timings are there. */
export type RequestStatus = RunnerRequestStatus &
  Required<Pick<RunnerRequestStatus, "job" | "timings" | "attempts">> & { conditions: Condition[] };

const initialReasons = {
  Admitted: "AwaitingAdmission",
  Launched: "AwaitingLaunch",
  Registered: "AwaitingRegistration",
  Assigned: "AwaitingJob",
} as const;

/**
 * openStatus returns a draft of a request's status that may be changed: on the first visit with every condition Unknown and the
 * job as the event told it, so that whoever comes first, the controller or the next webhook, writes the same beginning. What is only
 * shown (`title`) is the controller's: a webhook is stored also while a rollback has taken the kinds back already.
 */
export function openStatus(request: DeepReadonly<RunnerRequest>, nowMs: number): RequestStatus {
  const status = structuredClone(request.status ?? {}) as RequestStatus;
  const createdAt = request.metadata.creationTimestamp;
  status.conditions ??= [];
  status.job ??= { state: request.spec.job.state, updatedAt: createdAt ?? request.spec.job.queuedAt };
  status.timings ??= { queuedAt: request.spec.job.queuedAt, ...(createdAt !== undefined && { createdAt }) };
  status.attempts ??= [];
  for (const [type, reason] of Object.entries(initialReasons)) {
    if (getCondition(status.conditions, type) === undefined) {
      setCondition(
        status.conditions,
        { type, status: "Unknown", reason, message: "", observedGeneration: request.metadata.generation ?? 1 },
        nowMs,
      );
    }
  }
  if (getCondition(status.conditions, "Succeeded") === undefined) {
    const reason = initialReasons.Admitted;
    setCondition(
      status.conditions,
      { type: "Succeeded", status: "Unknown", reason, message: "", observedGeneration: request.metadata.generation ?? 1 },
      nowMs,
    );
  }
  status.phase ??= phaseOf(status);
  return status;
}

/** observe sets one condition of a request; the compiler knows which reasons each type has. */
export function observe<Type extends RunnerRequestConditionType>(
  status: RequestStatus,
  type: Type,
  value: Condition["status"],
  reason: ReasonOf<Type>,
  message: string,
  nowMs: number,
): void {
  // The spec is immutable, so its generation is 1 for ever.
  setCondition(status.conditions, { type, status: value, reason: String(reason), message, observedGeneration: 1 }, nowMs);
}

/**
 * summarise brings the summary condition and the phase in line with the others. While a request is alive, Succeeded is Unknown and
 * repeats the reason of the rung that it waits at: the one column of `kubectl get` that answers "why".
 */
export function summarise(status: RequestStatus, nowMs: number): void {
  const succeeded = getCondition(status.conditions, "Succeeded");
  if (succeeded === undefined || succeeded.status === "Unknown") {
    const waiting = (["Admitted", "Launched", "Registered", "Assigned"] as const)
      .map((type) => getCondition(status.conditions, type))
      .find((condition) => condition?.status !== "True");
    const at = waiting ?? getCondition(status.conditions, "Assigned");
    setCondition(
      status.conditions,
      {
        type: "Succeeded",
        status: "Unknown",
        reason: at?.reason ?? "AwaitingAdmission",
        message: at?.message ?? "",
        observedGeneration: 1,
      },
      nowMs,
    );
  }
  status.phase = phaseOf(status);
}
