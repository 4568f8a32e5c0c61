import type { ReasonOf } from "../../api/v1alpha1/reasons.ts";
import { getCondition } from "../../kube/conditions.ts";
import type { ProviderErrorCode } from "../../provider/errors.ts";
import type { RequestStatus } from "../../request/status.ts";
import { parseDurationMs } from "../../util/duration.ts";
import { nextAttempt, nextTry, type Plan } from "./attempts.ts";
import { openAttempt, type Pass } from "./pass.ts";

/** refusalReasons: the codes that say for certain that nothing was started, and the reason of Launched that stores each. */
export const refusalReasons = {
  InsufficientCapacity: "InsufficientCapacity",
  TargetNotReady: "ClassNotReady",
  Unauthorized: "Unauthorized",
  InvalidRequest: "ConfigError",
} as const satisfies Partial<Record<ProviderErrorCode, ReasonOf<"Launched">>>;

export type RefusalCode = keyof typeof refusalReasons;

/** isRefusal tells whether a provider's error code is a definite refusal. */
export function isRefusal(code: ProviderErrorCode): code is RefusalCode {
  return code in refusalReasons;
}

/** storedRefusal is the refusal that an open attempt met last, read back from the status. */
function storedRefusal(status: RequestStatus): RefusalCode | undefined {
  const reason = getCondition(status.conditions, "Launched")?.reason;
  return (Object.keys(refusalReasons) as RefusalCode[]).find((code) => refusalReasons[code] === reason);
}

/**
 * plannedStart says when the request's next call for an instance is due: the next try of an attempt that was refused, or the next
 * attempt after one that ended. Undefined when nothing happened yet. It follows from stored times, so a restart changes nothing.
 */
export function plannedStart(pass: Pass): Plan | undefined {
  const { status, target, uid, periods } = pass;
  const open = openAttempt(status);
  if (open !== undefined) {
    const code = storedRefusal(status);
    if (open.triedAt === undefined || code === undefined) return undefined;
    return nextTry(code, open, parseDurationMs(target?.spec.timeouts.launch ?? "10m"), uid, periods);
  }
  return status.attempts.length === 0 ? undefined : nextAttempt(status.attempts, target?.spec.attempts ?? 5, uid, periods);
}
