import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Wait } from "./wait.ts";

describe("Wait", () => {
  it("is over when its span has passed, and at once when it has none", () => {
    const wait = new Wait(1_000, 500);
    expect([wait.left(1_000), wait.left(1_400), wait.isOver(1_499), wait.isOver(1_500), wait.left(9_000)]).toEqual([
      500,
      100,
      false,
      true,
      0,
    ]);
    expect(new Wait(1_000, 0).isOver(1_000)).toBe(true);
    expect(new Wait(1_000, Number.POSITIVE_INFINITY).isOver(1e15)).toBe(false);
  });

  it("begins anew when the clock is set back, and ends early when it is set forward", () => {
    const wait = new Wait(3_600_000, 60_000);
    expect(wait.left(0)).toBe(60_000);
    expect(wait.left(20_000)).toBe(40_000);
    expect(wait.left(7_200_000)).toBe(0);
    expect(wait.left(0)).toBe(0);
  });

  it("never has more left than its span, however the clock jumps, and is over one span later", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.array(fc.integer({ min: -1e7, max: 1e7 })), (spanMs, jumps) => {
        let nowMs = 0;
        const wait = new Wait(nowMs, spanMs);
        for (const jump of jumps) expect(wait.left((nowMs += jump))).toBeLessThanOrEqual(spanMs);
        expect(wait.isOver(nowMs + wait.left(nowMs))).toBe(true);
      }),
    );
  });
});
