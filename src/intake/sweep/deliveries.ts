import type { DeliveryRecord } from "../../github/types.ts";
import type { Periods } from "./periods.ts";

/** UnresolvedEvent is an event of which no delivery has succeeded so far. */
export interface UnresolvedEvent {
  readonly guid: string;
  readonly action: string | undefined;
  /** When GitHub first tried to deliver it. */
  readonly firstAtMs: number;
  /** The newest failed delivery, which is the one to repeat. */
  readonly deliveryId: string;
  /** Whether it has been sent again before. */
  readonly repeated: boolean;
}

/** Survey is what a list of deliveries says. */
export interface Survey {
  /** To be sent again; those that bring runners first, then the oldest. */
  readonly unresolved: readonly UnresolvedEvent[];
  /** Not sent again any more. */
  readonly givenUp: readonly UnresolvedEvent[];
  /** The guids of events that were delivered. */
  readonly delivered: ReadonlySet<string>;
}

/**
 * survey groups deliveries, newest first and without a gap, by their event.
 *
 * | deliveries of a guid | it is |
 * |---|---|
 * | any succeeded | delivered |
 * | repetitions only | left alone: its first delivery lies before the mark, so it was delivered or given up before |
 * | all failed, first one younger than giveUpMs, or never repeated | unresolved |
 * | all failed, older, and repeated | given up: a restart after hours still gives each event one more try |
 */
export function survey(deliveries: readonly DeliveryRecord[], nowMs: number, periods: Pick<Periods, "giveUpMs">): Survey {
  const byGuid = new Map<string, DeliveryRecord[]>();
  for (const delivery of deliveries) {
    if (delivery.event !== "workflow_job") continue;
    const known = byGuid.get(delivery.guid);
    if (known === undefined) byGuid.set(delivery.guid, [delivery]);
    else known.push(delivery);
  }
  const delivered = new Set<string>();
  const unresolved: UnresolvedEvent[] = [];
  const givenUp: UnresolvedEvent[] = [];
  for (const [guid, [newest, ...older]] of byGuid) {
    if (newest === undefined) continue;
    const attempts = [newest, ...older];
    if (attempts.some(({ succeeded }) => succeeded)) {
      delivered.add(guid);
      continue;
    }
    const first = attempts.find(({ redelivery }) => !redelivery);
    if (first === undefined) continue;
    const firstAtMs = Date.parse(first.deliveredAt);
    const event: UnresolvedEvent = {
      guid,
      action: newest.action,
      firstAtMs,
      deliveryId: newest.id,
      repeated: attempts.some(({ redelivery }) => redelivery),
    };
    (event.repeated && nowMs - firstAtMs >= periods.giveUpMs ? givenUp : unresolved).push(event);
  }
  const isQueued = ({ action }: UnresolvedEvent): number => (action === "queued" ? 0 : 1);
  unresolved.sort((a, b) => isQueued(a) - isQueued(b) || a.firstAtMs - b.firstAtMs || (a.guid < b.guid ? -1 : 1));
  return { unresolved, givenUp, delivered };
}

/** since is how far back deliveries are to be read. */
export function since(markMs: number | undefined, nowMs: number, periods: Periods): number {
  return Math.max(markMs ?? nowMs - periods.firstLookBackMs, nowMs - periods.longestLookBackMs);
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
