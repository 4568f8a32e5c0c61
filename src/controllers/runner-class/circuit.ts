import { isoTime } from "../../util/clock.ts";
import { formatDuration } from "../../util/duration.ts";
import { type CircuitPeriods, ruleOf } from "./circuit-periods.ts";

/** circuitReasons is what can open a circuit. */
export const circuitReasons = ["Interruptions", "CapacityRefused"] as const;
export type CircuitReason = (typeof circuitReasons)[number];

/** Circuit is the breaker of one rung while it is not closed. Times are milliseconds since the epoch. */
export interface Circuit {
  readonly state: "Open" | "HalfOpen";
  readonly reason: CircuitReason;
  /** A sentence of ours for the status. */
  readonly message: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Sign is one interruption or refusal on a rung. */
export interface Sign {
  readonly atMs: number;
  /** The backend's word for a refusal. */
  readonly word?: string | undefined;
}

/** Trial is a runner that was started on a rung after its circuit had been open for long enough. */
export interface Trial {
  readonly launchedMs: number;
  readonly startedMs?: number | undefined;
  /** When it ended, or was interrupted. */
  readonly endedMs?: number | undefined;
  /** It ended by itself after a job. */
  readonly didItsJob: boolean;
}

/** Signs is all that is known of one rung; whoever has the same signs comes to the same circuit, so a restart changes nothing. */
export interface Signs {
  /** In the order of time, as are the refusals. */
  readonly interruptions: readonly Sign[];
  readonly refusals: readonly Sign[];
  /** When the rung last gave a runner; -Infinity when nobody knows of any. */
  readonly acceptedMs: number;
  /** How many runners the rung had within the window of interruptions. */
  readonly runners: number;
  readonly trials: readonly Trial[];
}

/**
 * judge says what a rung's circuit is, from what it was and all signs. Undefined is a closed one: the rung is used. What can happen:
 *
 * 1. closed: two interruptions within the window, and one in 20 of the runners that the rung had in it, or five refusals within theirs
 *    and no runner in between, open it.
 * 2. open because of refusals: a runner that the rung gives all the same (it was the last one left) closes it.
 * 3. open because of interruptions: as many more, of runners that were there already, keep it open for as long again.
 * 4. open, and the time is over (`isOver`): half-open.
 * 5. half-open: the first sign decides. A runner that proved the rung closes it; after refusals it is enough that the rung gave one. A
 *    refusal or an interruption opens it again, for twice as long.
 *
 * @param isOver whether an open circuit's time has passed: by the clock, unless the caller has a better measure.
 */
export function judge(
  known: Circuit | undefined,
  signs: Signs,
  nowMs: number,
  periods: CircuitPeriods,
  isOver = known !== undefined && known.untilMs <= nowMs,
): Circuit | undefined {
  if (known === undefined) return opening(signs, nowMs, periods);
  if (known.reason === "CapacityRefused" && signs.acceptedMs > known.sinceMs) return opening(signs, nowMs, periods);
  const interrupted = tripped("Interruptions", signs, nowMs, periods);
  if (interrupted !== undefined && known.reason === "CapacityRefused") return interrupted;
  if (known.state === "Open") {
    if (interrupted !== undefined && interrupted.untilMs > known.untilMs) return { ...known, untilMs: interrupted.untilMs };
    return isOver ? halfOpened(known, nowMs) : known;
  }
  const bad = firstBad(signs, known.untilMs);
  const provenMs = Math.min(...signs.trials.map((trial) => provenAt(trial, known, nowMs, periods)));
  if (provenMs <= nowMs && provenMs <= (bad?.sign.atMs ?? Number.POSITIVE_INFINITY)) return opening(signs, nowMs, periods);
  return bad === undefined ? known : reopened(known, bad, periods);
}

/** nextLookMs is when a circuit may change although nothing happens; Infinity when only a sign changes it. */
export function nextLookMs(circuit: Circuit, signs: Pick<Signs, "trials">, nowMs: number, periods: CircuitPeriods): number {
  if (circuit.state === "Open") return circuit.untilMs;
  const proofs = signs.trials.map((trial) => provenAt(trial, circuit, Number.POSITIVE_INFINITY, periods));
  return Math.min(...proofs.filter((atMs) => atMs > nowMs));
}

/** isUnderWay tells whether a trial may still prove its rung, so that nobody else has to try it. */
export function isUnderWay(trial: Trial, nowMs: number, periods: CircuitPeriods): boolean {
  // A launch in the future is one from before the clock was set back.
  const ageMs = nowMs - trial.launchedMs;
  return trial.endedMs === undefined && ageMs < periods.trialMs && ageMs > -periods.trialMs;
}

/** With a clock that was set back its time ends now, or what happens from here on would not count. */
function halfOpened(known: Circuit, nowMs: number): Circuit {
  const untilMs = wholeSecond(Math.min(known.untilMs, nowMs));
  return { ...known, state: "HalfOpen", sinceMs: untilMs - (known.untilMs - known.sinceMs), untilMs };
}

function opening(signs: Signs, nowMs: number, periods: CircuitPeriods): Circuit | undefined {
  return tripped("Interruptions", signs, nowMs, periods) ?? tripped("CapacityRefused", signs, nowMs, periods);
}

/** So many signs open a circuit however many runners there are: no more than some hundred are remembered. */
const mostCounted = 100;

/** The circuit that signs of one kind alone open, if its time is not over already: they may be seen late, after a restart. */
function tripped(reason: CircuitReason, signs: Signs, nowMs: number, periods: CircuitPeriods): Circuit | undefined {
  const { count: least, share, windowMs, openMs } = ruleOf(reason, periods);
  const count = Math.max(least, Math.min(Math.ceil(share * signs.runners), mostCounted));
  // Times are stored in whole seconds: a refusal in the second of a success counts as the earlier one.
  const counted = reason === "Interruptions" ? signs.interruptions : signs.refusals.filter(({ atMs }) => atMs > signs.acceptedMs);
  for (let last = counted.length - 1; last >= count - 1; last -= 1) {
    const [from, to] = [counted[last - count + 1], counted[last]];
    if (from === undefined || to === undefined || to.atMs + openMs <= nowMs) return undefined;
    if (to.atMs - from.atMs > windowMs) continue;
    const within = formatDuration(windowMs);
    const message =
      reason === "Interruptions"
        ? `interrupted ${count} times within ${within}`
        : `refused ${count} times within ${within}, and gave nothing in between${saying(to)}`;
    return { state: "Open", reason, message, sinceMs: to.atMs, untilMs: wholeSecond(to.atMs + openMs) };
  }
  return undefined;
}

interface Bad {
  readonly reason: CircuitReason;
  readonly sign: Sign;
}

function firstBad({ interruptions, refusals }: Signs, afterMs: number): Bad | undefined {
  const later = ({ atMs }: Sign): boolean => atMs > afterMs;
  const interruption = interruptions.find(later);
  const refusal = refusals.find(later);
  if (interruption !== undefined && interruption.atMs <= (refusal?.atMs ?? Number.POSITIVE_INFINITY))
    return { reason: "Interruptions", sign: interruption };
  return refusal && { reason: "CapacityRefused", sign: refusal };
}

function reopened(known: Circuit, { reason, sign }: Bad, periods: CircuitPeriods): Circuit {
  const { openMs, longestMs } = ruleOf(reason, periods);
  // The span of the time before is stored with it, so nothing else has to be remembered.
  const spanMs = Math.min(Math.max(2 * (known.untilMs - known.sinceMs), openMs), longestMs);
  const what = reason === "Interruptions" ? "interrupted" : "refused";
  const message = `${what} again when it was tried after ${isoTime(known.untilMs)}${saying(sign)}`;
  return { state: "Open", reason, message, sinceMs: sign.atMs, untilMs: wholeSecond(sign.atMs + spanMs) };
}

/** When a trial proves its rung; Infinity as long as nobody can tell. */
function provenAt(trial: Trial, circuit: Circuit, nowMs: number, { proofMs }: CircuitPeriods): number {
  if (circuit.reason === "CapacityRefused" || trial.launchedMs < circuit.untilMs) return Number.POSITIVE_INFINITY;
  const lastedMs = trial.startedMs === undefined ? Number.POSITIVE_INFINITY : trial.startedMs + proofMs;
  const lasted = lastedMs <= (trial.endedMs ?? nowMs) ? lastedMs : Number.POSITIVE_INFINITY;
  const doneMs = trial.didItsJob ? (trial.endedMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  return Math.min(lasted, doneMs);
}

/** Times are stored without fractions; one that had some would be another after a restart. */
function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}

function saying({ word }: Sign): string {
  return word === undefined ? "" : ` (${word})`;
}
