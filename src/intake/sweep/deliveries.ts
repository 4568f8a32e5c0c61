import type { DeliveryRecord } from "../../github/types.ts";
import type { Periods } from "./periods.ts";

/** UnresolvedEvent is an event of which no delivery is known to have succeeded. */
export interface UnresolvedEvent {
  readonly guid: string;
  readonly action: string | undefined;
  /** When GitHub first tried to deliver it. */
  readonly firstAtMs: number;
  /** The newest failed delivery, which is the one to repeat. */
  readonly deliveryId: string;
  /** How often it was sent again, or GitHub was asked to in vain. */
  readonly tries: number;
  /** Whether it is to be sent again now. One that is not still holds the mark. */
  readonly isDue: boolean;
}

/** Survey is what a list of failed deliveries says. */
export interface Survey {
  /** Those that were tried least come first, then those that bring runners, then the oldest. */
  readonly unresolved: readonly UnresolvedEvent[];
  /** Not sent again any more. */
  readonly givenUp: readonly UnresolvedEvent[];
}

/** Asked is what GitHub has answered in vain when it was asked to send an event again. */
export interface Asked {
  /** It refused, or failed to. */
  readonly failed: number;
}

type SurveyPeriods = Pick<Periods, "giveUpMs" | "secondRefusalMs">;

/** So many failed requests stand for a repetition, where GitHub will not make one. */
export const enoughAsked = 3;
/** A refusal of ours is repeated this often. */
const maxRefusals = 2;

/**
 * survey groups failed deliveries, newest first and without a gap, by their event; events in `settled` are left out.
 *
 * | deliveries of a guid | it is |
 * |---|---|
 * | any succeeded | left out |
 * | repetitions only | left out: its first delivery lies before the mark, so it was delivered or given up before |
 * | all failed, first one younger than giveUpMs, or never repeated | unresolved |
 * | all failed, older, and repeated | given up: a restart after hours still gives each event one more try |
 * | the newest was refused with a 4xx | unresolved, but due only twice: soon, and once more after secondRefusalMs; then given up |
 *
 * A 4xx is what malformed, wrongly signed and wrongly addressed deliveries get, and most of them get it again; but a secret or an App
 * object may have been missing for a while only.
 */
export function survey(
  failed: readonly DeliveryRecord[],
  settled: (guid: string) => boolean,
  asked: (guid: string) => Asked | undefined,
  nowMs: number,
  periods: SurveyPeriods,
): Survey {
  const byGuid = new Map<string, DeliveryRecord[]>();
  for (const delivery of failed) {
    if (delivery.event !== "workflow_job" || settled(delivery.guid)) continue;
    const known = byGuid.get(delivery.guid);
    if (known === undefined) byGuid.set(delivery.guid, [delivery]);
    else known.push(delivery);
  }
  const unresolved: UnresolvedEvent[] = [];
  const givenUp: UnresolvedEvent[] = [];
  for (const [guid, attempts] of byGuid) {
    const [newest] = attempts;
    const first = attempts.find(({ redelivery }) => !redelivery);
    if (newest === undefined || first === undefined || attempts.some(({ succeeded }) => succeeded)) continue;
    const repetitions = attempts.filter(({ redelivery }) => redelivery).length;
    const askedInVain = asked(guid)?.failed ?? 0;
    const firstAtMs = Date.parse(first.deliveredAt);
    const ageMs = nowMs - firstAtMs;
    const refused = isRefusal(newest.statusCode);
    const event: UnresolvedEvent = {
      guid,
      action: newest.action,
      firstAtMs,
      deliveryId: newest.id,
      tries: repetitions + askedInVain,
      isDue: !refused || repetitions === 0 || ageMs >= periods.secondRefusalMs,
    };
    const isOver = ageMs >= periods.giveUpMs && (repetitions > 0 || askedInVain >= enoughAsked);
    (isOver || (refused && repetitions >= maxRefusals) ? givenUp : unresolved).push(event);
  }
  const isQueued = ({ action }: UnresolvedEvent): number => (action === "queued" ? 0 : 1);
  // Those that fail again and again must not take the places of those that one more try would bring.
  unresolved.sort(
    (a, b) => a.tries - b.tries || isQueued(a) - isQueued(b) || a.firstAtMs - b.firstAtMs || (a.guid < b.guid ? -1 : 1),
  );
  return { unresolved, givenUp };
}

/** Refused for what was sent: all 4xx but those that say that it came too slowly or too fast. */
function isRefusal(statusCode: number): boolean {
  return statusCode >= 400 && statusCode < 500 && statusCode !== 408 && statusCode !== 429;
}

/**
 * since is how far back deliveries are to be read, by the marks of all of the App's objects and GitHub's time. A mark in the future was
 * written by a clock that was wrong, and says nothing of what failed since: then it is read as far back as anything is still repeated.
 */
export function since(marksMs: readonly number[], nowMs: number, periods: Periods): number {
  const possible = marksMs.filter((markMs) => markMs <= nowMs).map((markMs) => Math.min(markMs, nowMs - periods.settleMs));
  const unmarkedMs = marksMs.length === 0 ? periods.firstLookBackMs : periods.giveUpMs;
  const fromMs = possible.length === 0 ? nowMs - unmarkedMs : Math.max(...possible);
  return Math.max(fromMs, nowMs - periods.longestLookBackMs);
}

/**
 * nextMark is up to when everything is done with: never past an event that may still be delivered, never past deliveries that may not
 * be listed yet, and never back.
 */
export function nextMark(
  markMs: number,
  firstAtMs: readonly number[],
  nowMs: number,
  periods: Pick<Periods, "settleMs">,
): number {
  // The mark's own second is read again, since timestamps have whole seconds; so an event may be at the mark, but not before it.
  let next = nowMs - periods.settleMs;
  for (const atMs of firstAtMs) next = Math.min(next, atMs);
  return Math.max(markMs, Math.floor(next / 1_000) * 1_000);
}
