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
    statusCode: 502,
    event: "workflow_job",
    action: "queued",
    ...more,
  };
}

const again = { redelivery: true };
const ok = { succeeded: true, statusCode: 200 };
const refused = { statusCode: 400 };

function look(deliveries: readonly DeliveryRecord[], how: { settled?: readonly string[]; failedAsks?: number } = {}) {
  const isSettled = (guid: string): boolean => how.settled?.includes(guid) ?? false;
  return survey(deliveries, isSettled, () => ({ failed: how.failedAsks ?? 0 }), now, periods);
}

describe("survey", () => {
  it.each<[string, DeliveryRecord[], "due" | "waits" | "givenUp" | "nothing"]>([
    ["failed once", [delivery("a", 5)], "due"],
    ["failed twice", [delivery("a", 1, again), delivery("a", 5)], "due"],
    ["arrived, where the server lists everything", [delivery("a", 1, { ...again, ...ok }), delivery("a", 5)], "nothing"],
    ["is of another event", [delivery("a", 5, { event: "push" })], "nothing"],
    ["failed for three hours", [delivery("a", 10, again), delivery("a", 180)], "givenUp"],
    ["failed for nearly three hours", [delivery("a", 10, again), delivery("a", 179)], "due"],
    ["failed while nobody swept for a day", [delivery("a", 1_440)], "due"],
    ["began before the mark", [delivery("a", 10, again), delivery("a", 20, again)], "nothing"],
    ["was refused once", [delivery("a", 5, refused)], "due"],
    ["was refused again", [delivery("a", 5, { ...again, ...refused }), delivery("a", 10, refused)], "waits"],
    ["was refused again, an hour ago", [delivery("a", 55, { ...again, ...refused }), delivery("a", 60, refused)], "due"],
    [
      "was refused for the third time",
      [1, 55, 60].map((at) => delivery("a", at, { ...(at < 60 && again), ...refused })),
      "givenUp",
    ],
    ["came too slowly again", [delivery("a", 5, { ...again, statusCode: 408 }), delivery("a", 10, { statusCode: 408 })], "due"],
  ])("an event that %s", (_name, deliveries, outcome) => {
    const { unresolved, givenUp } = look(deliveries);
    const due = unresolved.filter(({ isDue }) => isDue).length;
    expect({ due, waits: unresolved.length - due, givenUp: givenUp.length }).toEqual({
      due: 0,
      waits: 0,
      givenUp: 0,
      ...(outcome !== "nothing" && { [outcome]: 1 }),
    });
  });

  it("leaves out what is settled", () => {
    expect(look([delivery("a", 5)], { settled: ["a"] })).toEqual({ unresolved: [], givenUp: [] });
  });

  it("gives up an event that GitHub would not send again, also when it never was", () => {
    expect(look([delivery("a", 180)], { failedAsks: 2 }).unresolved).toHaveLength(1);
    expect(look([delivery("a", 180)], { failedAsks: 3 }).givenUp).toHaveLength(1);
    expect(look([delivery("a", 170)], { failedAsks: 30 }).unresolved).toHaveLength(1);
  });

  it("names the newest delivery of an event: least tried first, then queued jobs, then the oldest", () => {
    const deliveries = [
      delivery("late", 1),
      delivery("often", 2, { ...again, id: "9007199254740993" }),
      delivery("end", 9, { action: "completed" }),
      delivery("early", 8),
      delivery("often", 60),
    ];
    const { unresolved } = look(deliveries);
    expect(unresolved.map(({ guid }) => guid)).toEqual(["early", "late", "end", "often"]);
    expect(unresolved[3]).toMatchObject({ deliveryId: "9007199254740993", firstAtMs: now - 60 * minute, tries: 1 });
  });
});

describe("the mark", () => {
  it("begins half an hour back and never reaches further than three days", () => {
    expect(since([], now, periods)).toBe(now - 30 * minute);
    expect(since([now - 90 * minute, now - 100 * minute], now, periods)).toBe(now - 90 * minute);
    expect(since([0], now, periods)).toBe(now - 72 * 60 * minute);
  });

  it("is never believed where it passes what may not be listed yet, and not at all in the future", () => {
    expect(since([now - minute], now, periods)).toBe(now - 2 * minute);
    expect(since([now + minute], now, periods)).toBe(now - 180 * minute);
    expect(since([now + minute, now - 50 * minute], now, periods)).toBe(now - 50 * minute);
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
