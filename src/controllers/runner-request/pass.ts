import type { RunnerRequestEventReason } from "../../api/v1alpha1/reasons.ts";
import type { Attempt, RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import type { DeepReadonly, ObjectKey } from "../../kube/object.ts";
import type { RequestStatus } from "../../request/status.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Pauses } from "./pauses.ts";
import type { RequestPeriods } from "./periods.ts";

/** PassEvent is a Kubernetes event that is published once the pass' status is stored. */
export interface PassEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: RunnerRequestEventReason;
  readonly action: string;
  readonly note: string;
}

/**
 * Pass is one visit of the ladder to one request. Rungs change `status`, the draft, and nothing else at the API server; the
 * controller writes it once at the end.
 */
export interface Pass {
  readonly key: ObjectKey;
  readonly uid: string;
  readonly request: DeepReadonly<RunnerRequest>;
  readonly status: RequestStatus;
  readonly target: DeepReadonly<RunnerTarget> | undefined;
  readonly nowMs: number;
  /** When this process began to lead: what happened before may have gone unheard. */
  readonly leadingSinceMs: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly pauses: Pauses;
  readonly periods: RequestPeriods;
  /** A change of class or target called the request out of its pause. */
  readonly woken: boolean;
  /** GitHub was found not to list the runner any more, although it was online and has no job. */
  readonly registrationLost: boolean;
  /** What GitHub's list said of a runner without a known job: at work, idle, or undefined where nothing was said. */
  readonly unheardWork: boolean | undefined;
  /** Whether a runner is still wanted: for the job that asked, or for another of the target whose runner took this one's job. */
  readonly isNeeded: () => boolean;
  /** Another request of the namespace, as the store has it. */
  readonly sibling: (name: string) => DeepReadonly<RunnerRequest> | undefined;
  readonly events: PassEvent[];
  /** When to look again at the latest; the soonest of all wishes wins. */
  requeueAfterMs: number | undefined;
  /** An error that the controller throws after the status is stored, so that the key backs off. */
  failure: Error | undefined;
}

/** lookAgain asks for another pass after `ms`, or sooner if something else wants one; at once when the moment has passed. */
export function lookAgain(pass: Pass, ms: number): void {
  const wait = Math.max(ms, 1);
  pass.requeueAfterMs = pass.requeueAfterMs === undefined ? wait : Math.min(pass.requeueAfterMs, wait);
}

/** openAttempt is the attempt that is going on: begun, and not cleaned up yet. */
export function openAttempt(status: Pick<RequestStatus, "attempts">): Attempt | undefined {
  const newest = status.attempts.at(-1);
  return newest?.endedAt === undefined ? newest : undefined;
}

/** lastAttempt is the attempt that ended last, when none is going on. */
export function lastAttempt(status: Pick<RequestStatus, "attempts">): Attempt | undefined {
  const newest = status.attempts.at(-1);
  return newest?.endedAt === undefined ? undefined : newest;
}

/** newestAttempts is how many attempts a status keeps: enough to see a pattern, and bounded. */
const newestAttempts = 5;

/** putAttempt stores an attempt: in place when it is the newest one, else behind it. */
export function putAttempt(status: RequestStatus, { message, ...rest }: Attempt): void {
  // The CRD's limit: a status that is over it could not be written any more, by nobody and for ever.
  const attempt: Attempt = { ...rest, ...(message !== undefined && { message: message.slice(0, 300) }) };
  const newest = status.attempts.at(-1);
  if (newest?.number === attempt.number) status.attempts[status.attempts.length - 1] = attempt;
  else status.attempts.push(attempt);
  status.attempts = status.attempts.slice(-newestAttempts);
  status.attempt = attempt.number;
}

/** age is how long ago a moment of a status was, in milliseconds; 0 for an unknown one. */
export function age(nowMs: number, moment: string | undefined): number {
  return moment === undefined ? 0 : nowMs - Date.parse(moment);
}
