import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { captureLog } from "./capture-log.ts";
import { FakeClock } from "./clock.ts";

describe("captureLog", () => {
  it("keeps lines with their fields, and the text as it was written", () => {
    const log = captureLog();
    const logger = pino({}, log.destination);
    logger.info({ runner: "a" }, "launched runner");
    logger.warn("slow");
    expect(log.lines()).toHaveLength(2);
    expect(log.lines("launched runner")).toEqual([expect.objectContaining({ level: 30, runner: "a" })]);
    expect(log.text).toContain('"msg":"slow"');
    log.clear();
    expect(log.lines()).toEqual([]);
  });
});

describe("FakeClock", () => {
  it("moves when it is told and only then", () => {
    const clock = new FakeClock("2026-03-01T00:00:00Z");
    const start = clock.now();
    clock.advance(1_500);
    expect(clock.now() - start).toBe(1_500);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    clock.set("2026-02-01T00:00:00Z");
    expect(clock.now()).toBeLessThan(start);
  });
});
