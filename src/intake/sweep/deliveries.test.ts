import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeliveryRecord } from "../../github/types.ts";
import { isoTime } from "../../util/clock.ts";
import { nextMark, since, survey } from "./deliveries.ts";
import { periods } from "./periods.ts";

const now = Date.parse("2026-01-15T12:00:00Z");
const minute = 60_000;
let ids = 2n ** 60n;

/** A delivery so many minutes ago. */
function delivery(guid: string, minutesAgo: number, more: Partial<DeliveryRecord> = {}): DeliveryRecord {
  ids += 1n;
  return {
    id: String(ids),
    guid,
    deliveredAt: isoTime(now - minutesAgo * minute),
    redelivery: false,
    succeeded: false,
    event: "workflow_job",
    action: "queued",
    ...more,
  };
}

const again = { redelivery: true };
const ok = { succeeded: true };

describe("survey", () => {
  it.each<[string, DeliveryRecord[], "unresolved" | "givenUp" | "delivered" | "nothing"]>([
    ["failed once", [delivery("a", 5)], "unresolved"],
    ["failed twice", [delivery("a", 1, again), delivery("a", 5)], "unresolved"],
    ["arrived at the second try", [delivery("a", 1, { ...again, ...ok }), delivery("a", 5)], "delivered"],
    ["arrived, and was sent again by a person in vain", [delivery("a", 1, again), delivery("a", 5, ok)], "delivered"],
    ["is of another event", [delivery("a", 5, { event: "push" })], "nothing"],
    ["failed for three hours", [delivery("a", 10, again), delivery("a", 180)], "givenUp"],
    ["failed for nearly three hours", [delivery("a", 10, again), delivery("a", 179)], "unresolved"],
    ["failed while nobody swept for a day", [delivery("a", 1_440)], "unresolved"],
    ["began before the mark", [delivery("a", 10, again), delivery("a", 20, again)], "nothing"],
  ])("an event that %s", (_name, deliveries, outcome) => {
    const { unresolved, givenUp, delivered } = survey(deliveries, now, periods);
    expect({ unresolved: unresolved.length, givenUp: givenUp.length, delivered: delivered.size }).toEqual({
      unresolved: 0,
      givenUp: 0,
      delivered: 0,
      ...(outcome !== "nothing" && { [outcome]: 1 }),
    });
  });

  it("names the newest delivery of an event, queued jobs first, then the oldest", () => {
    const deliveries = [
      delivery("late", 1),
      delivery("early", 2, { ...again, id: "9007199254740993" }),
      delivery("end", 9, { action: "completed" }),
      delivery("early", 8),
    ];
    const { unresolved } = survey(deliveries, now, periods);
    expect(unresolved.map(({ guid }) => guid)).toEqual(["early", "late", "end"]);
    expect(unresolved[0]).toMatchObject({ deliveryId: "9007199254740993", firstAtMs: now - 8 * minute, repeated: true });
  });
});

describe("the mark", () => {
  it("begins half an hour back and never reaches further than three days", () => {
    expect(since(undefined, now, periods)).toBe(now - 30 * minute);
    expect(since(now - 90 * minute, now, periods)).toBe(now - 90 * minute);
    expect(since(0, now, periods)).toBe(now - 72 * 60 * minute);
  });

  it("never goes back, never passes what is open, and never what may not be listed yet", () => {
    const times = fc.integer({ min: now - 100 * minute, max: now });
    fc.assert(
      fc.property(times, fc.array(times), (mark, open) => {
        const inWindow = open.filter((atMs) => atMs >= mark);
        const next = nextMark(mark, inWindow, now, periods);
        expect(next).toBeGreaterThanOrEqual(mark);
        for (const atMs of inWindow) expect(next).toBeLessThanOrEqual(atMs);
        expect(next).toBeLessThanOrEqual(Math.max(mark, now - periods.settleMs));
      }),
    );
  });

  it("moves on when nothing is open", () => {
    expect(nextMark(now - 30 * minute, [], now, periods)).toBe(now - 2 * minute);
  });
});
