import type { AttemptReason } from "../../api/v1alpha1/reasons.ts";
import type { Attempt, RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { isFinished } from "../../request/phase.ts";
import type { Sign, Trial } from "./circuit.ts";

type Request = DeepReadonly<RunnerRequest>;
type StoredAttempt = DeepReadonly<Attempt>;
type StoredInstance = NonNullable<Request["status"]>["instance"];

/** Happening is what a request's stored status tells of one rung. */
export type Happening = {
  readonly rung: string;
  /** The same for the same thing, however often it is read. */
  readonly key: string;
} & (
  | { readonly kind: "interruption" | "refusal"; readonly sign: Sign }
  /** A runner was accepted; `trial` is what became of it so far. */
  | { readonly kind: "runner"; readonly uid: string; readonly trial: Trial }
);

/**
 * happeningsOf reads a request for what it tells of the rungs of its class. It is level-triggered: a status that is read twice, or after
 * a restart, tells the same.
 */
export function* happeningsOf(request: Request): Iterable<Happening> {
  const attempts = request.status?.attempts ?? [];
  for (const attempt of attempts) {
    const newest = attempt === attempts.at(-1);
    const launchedMs = launchedAt(request, attempt, newest);
    yield* refusalsOf(request, attempt, launchedMs);
    if (launchedMs !== undefined) yield* runnerOf(request, attempt, newest ? request.status?.instance : undefined, launchedMs);
  }
}

/** What the attempt's newest call was refused. One that a later rung accepted is not counted in `tries`. */
function* refusalsOf({ metadata }: Request, attempt: StoredAttempt, launchedMs: number | undefined): Iterable<Happening> {
  const atMs = launchedMs ?? millis(attempt.triedAt);
  if (atMs === undefined) return;
  const call = launchedMs === undefined ? (attempt.tries ?? 1) - 1 : (attempt.tries ?? 0);
  const key = `${metadata.uid}/${attempt.number}/${call}`;
  for (const { capacity, reason } of attempt.refused ?? [])
    yield { kind: "refusal", rung: capacity, key, sign: { atMs, word: reason } };
}

function* runnerOf(request: Request, attempt: StoredAttempt, instance: StoredInstance, launchedMs: number): Iterable<Happening> {
  const rung = instance?.capacity ?? attempt.capacity;
  if (rung === undefined) return;
  const key = `${request.metadata.uid}/${attempt.number}`;
  const interruptedMs = interruptedAt(attempt, instance);
  if (interruptedMs !== undefined) yield { kind: "interruption", rung, key, sign: { atMs: interruptedMs } };
  const trial: Trial = {
    launchedMs,
    startedMs: startedAt(request, instance),
    endedMs: interruptedMs ?? millis(instance?.stoppedAt) ?? millis(attempt.endedAt),
    didItsJob: interruptedMs === undefined && didItsJob(request, instance),
  };
  yield { kind: "runner", rung, key, uid: request.metadata.uid ?? "", trial };
}

/** Not as soon as GitHub says so: the job of a runner that is taken away ends too, and its end may be heard of first. */
function didItsJob({ status }: Request, instance: StoredInstance): boolean {
  return instance?.state === "Stopped" && status?.assignedJob?.state === "Completed";
}

/** Call is one call to a provider: the try of an attempt of a request. */
export interface Call {
  readonly uid: string;
  readonly attempt: number;
  readonly tries: number;
}

/** isSettled tells whether the stored status of a request knows how a call of it ended. */
export function isSettled({ status, metadata }: Request, { uid, attempt, tries }: Call): boolean {
  const newest = status?.attempts?.at(-1);
  if (metadata.uid !== uid) return true;
  if (isFinished(status)) return true;
  if (newest === undefined || newest.number < attempt) return false;
  return (
    newest.number > attempt || newest.providerId !== undefined || newest.endedAt !== undefined || (newest.tries ?? 0) > tries
  );
}

/** When the provider accepted an attempt's runner. Only that of the newest one is kept; the others were accepted soon after they began. */
function launchedAt({ status }: Request, attempt: StoredAttempt, newest: boolean): number | undefined {
  if (attempt.providerId === undefined) return undefined;
  const startedMs = Date.parse(attempt.startedAt);
  return newest ? Math.max(millis(status?.timings?.launchedAt) ?? startedMs, startedMs) : startedMs;
}

function interruptedAt(attempt: StoredAttempt, instance: StoredInstance): number | undefined {
  const interruptedMs = millis(instance?.interruptedAt ?? attempt.interruptedAt);
  if (interruptedMs !== undefined) return interruptedMs;
  // Without a notice the end itself tells.
  return attempt.reason === ("Interrupted" satisfies AttemptReason)
    ? (millis(instance?.stoppedAt) ?? millis(attempt.endedAt))
    : undefined;
}

/** When the runner began to run: as the backend says, or else by what GitHub saw of it. */
function startedAt({ status }: Request, instance: StoredInstance): number | undefined {
  if (instance === undefined) return undefined;
  return millis(instance.startedAt) ?? millis(status?.assignedJob?.startedAt);
}

function millis(moment: string | undefined): number | undefined {
  return moment === undefined ? undefined : Date.parse(moment);
}
