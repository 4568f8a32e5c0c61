import type { AttemptReason } from "../../api/v1alpha1/reasons.ts";
import type { Attempt } from "../../api/v1alpha1/runner-request.ts";
import type { ProviderErrorCode } from "../../provider/errors.ts";
import { shortHash } from "../../util/hash.ts";
import type { RequestPeriods } from "./periods.ts";

/** Plan says when an attempt or a try may begin, and whether GitHub has to confirm first that the job still waits. */
export interface Plan {
  readonly atMs: number;
  readonly slow: boolean;
}

/**
 * nextAttempt plans the attempt after one that ended without a job.
 *
 * - Interrupted: at once, since the next rung or another zone may have room.
 * - Misconfigured, RunnerVersionRefused: the first may have been a passing fault of a registry; from the second on, slowly, since nothing will change by itself.
 * - anything else: after 5, 10, 20, 40, 60 s, until `limit` attempts were made, then slowly.
 */
export function nextAttempt(attempts: readonly Attempt[], limit: number, uid: string, periods: RequestPeriods): Plan {
  const last = attempts.at(-1);
  if (last?.endedAt === undefined) return { atMs: 0, slow: false };
  const endedMs = Date.parse(last.endedAt);
  if (last.number >= limit || isConfigError(attempts))
    return { atMs: endedMs + jitter(periods.slowAttemptMs, `${uid}-${last.number}`), slow: true };
  if (last.reason === ("Interrupted" satisfies AttemptReason)) return { atMs: endedMs, slow: false };
  const backoff = Math.min(periods.attemptBackoffMs * 2 ** (last.number - 1), periods.longestAttemptBackoffMs);
  return { atMs: endedMs + jitter(backoff, `${uid}-${last.number}`), slow: false };
}

const untilChanged: readonly string[] = ["Misconfigured", "RunnerVersionRefused"] satisfies AttemptReason[];

/** isConfigError tells whether the newest attempts say that only a change of the class helps: one alone may be a fault of a registry. */
export function isConfigError(attempts: readonly Attempt[]): boolean {
  const newest = attempts.slice(-2);
  return newest.length === 2 && newest.every(({ reason }) => untilChanged.includes(reason ?? ""));
}

/**
 * nextTry plans the next call after the provider definitely refused an attempt. Nothing was started, so the attempt goes on with
 * the same runner name. Capacity comes back within moments: 15 to 60 s until the launch deadline has passed, then slowly. Rights and
 * missing clusters are mended by people: every minute or few. What the class describes wrongly changes only with the class.
 */
export function nextTry(
  code: ProviderErrorCode,
  attempt: Attempt,
  launchTimeoutMs: number,
  uid: string,
  periods: RequestPeriods,
): Plan {
  const triedMs = Date.parse(attempt.triedAt ?? attempt.startedAt);
  const tries = attempt.tries ?? 0;
  const overdue = triedMs - Date.parse(attempt.startedAt) >= launchTimeoutMs;
  const seed = `${uid}-${attempt.number}-${tries}`;
  if (overdue || code === "InvalidRequest") return { atMs: triedMs + jitter(periods.slowAttemptMs, seed), slow: true };
  if (code === "InsufficientCapacity") {
    return {
      atMs:
        triedMs + jitter(Math.min(periods.capacityRetryMs * 2 ** Math.max(tries - 1, 0), periods.longestCapacityRetryMs), seed),
      slow: false,
    };
  }
  return {
    atMs: triedMs + jitter(Math.min(periods.refusalRetryMs * 2 ** Math.max(tries - 1, 0), periods.longestRefusalRetryMs), seed),
    slow: false,
  };
}

/** jitter takes up to a tenth off a pause, the same for the same seed: a restart plans the same moment, and a crowd does not move in step. */
function jitter(ms: number, seed: string): number {
  return Math.round(ms * (0.9 + (Number.parseInt(shortHash(seed, 4), 16) / 0xffff) * 0.1));
}
