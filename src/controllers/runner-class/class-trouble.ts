import type { AttemptReason, ReasonOf } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { getCondition } from "../../kube/conditions.ts";
import type { DeepReadonly } from "../../kube/object.ts";

const refusals: readonly string[] = ["ClassNotReady", "Unauthorized", "ConfigError"] satisfies ReasonOf<"Launched">[];
const badStarts: readonly string[] = ["Misconfigured", "RunnerVersionRefused", "StartFailed"] satisfies AttemptReason[];

/**
 * classTrouble names the newest thing that happened to a request and says more about its class than about itself: a refused launch, or
 * an instance that could not start. Another name means that it happened again, and that the class is worth a look before its turn.
 */
export function classTrouble({ status }: DeepReadonly<Pick<RunnerRequest, "status">>): string | undefined {
  const attempt = status?.attempts?.at(-1);
  if (attempt === undefined) return undefined;
  if (attempt.endedAt !== undefined) {
    return badStarts.includes(attempt.reason ?? "") ? `${attempt.number} ${attempt.reason}` : undefined;
  }
  const reason = getCondition(status?.conditions, "Launched")?.reason ?? "";
  return attempt.triedAt !== undefined && refusals.includes(reason)
    ? `${attempt.number} ${attempt.tries ?? 0} ${reason}`
    : undefined;
}
