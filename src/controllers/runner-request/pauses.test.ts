import { describe, expect, it } from "vitest";
import { Pauses } from "./pauses.ts";
import { requestPeriods } from "./periods.ts";

describe("Pauses", () => {
  it("grow with each failure up to a minute, and begin anew after a success", () => {
    const pauses = new Pauses(requestPeriods);
    const waits = Array.from({ length: 10 }, () => pauses.fail("a", "launch", 0));
    expect(waits[0]).toBeLessThanOrEqual(1_000);
    expect(waits[1]).toBeGreaterThan(waits[0] ?? 0);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(48_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000);
    pauses.clear("a", "launch");
    expect(pauses.left("a", "launch", 0)).toBe(0);
    expect(pauses.fail("a", "launch", 0)).toBeLessThanOrEqual(1_000);
  });

  it("are kept apart by request and by what they pause", () => {
    const pauses = new Pauses(requestPeriods);
    pauses.pause("a", "launch", 1_000, 30_000);
    expect(pauses.left("a", "launch", 11_000)).toBe(20_000);
    expect(pauses.left("a", "deregister", 11_000)).toBe(0);
    expect(pauses.left("b", "launch", 11_000)).toBe(0);
    expect(pauses.left("a", "launch", 40_000)).toBe(0);
  });

  it("last no longer than they were meant to when the clock is set back and forth", () => {
    const pauses = new Pauses(requestPeriods);
    const hourMs = 3_600_000;
    pauses.pause("a", "launch", 2 * hourMs, 60_000);
    expect(pauses.left("a", "launch", hourMs)).toBe(60_000);
    expect(pauses.left("a", "launch", hourMs + 45_000)).toBe(15_000);
    expect(pauses.left("a", "launch", 2 * hourMs)).toBe(0);
    expect(pauses.left("a", "launch", hourMs + 61_000)).toBe(0);
    const failed = pauses.fail("b", "deregister", 2 * hourMs);
    expect(pauses.left("b", "deregister", 0)).toBe(failed);
  });
});
