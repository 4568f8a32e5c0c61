import { describe, expect, it } from "vitest";
import { createLogger } from "../../telemetry/log.ts";
import { systemClock } from "../../util/clock.ts";
import { SweepLoop } from "./loop.ts";
import { scaled } from "../../util/periods.ts";
import { periods } from "./periods.ts";

describe("SweepLoop", () => {
  it("goes on after a sweep that failed, says so, and ends with its signal", async () => {
    const lines: string[] = [];
    const stop = new AbortController();
    let sweeps = 0;
    const fast = scaled(periods, 1e6);
    const loop = new SweepLoop("test-sweep", {
      everyMs: 1,
      periods: fast,
      clock: systemClock,
      log: createLogger({ level: "info", destination: { write: (line: string) => void lines.push(line) } }),
      sweep: async () => {
        sweeps += 1;
        if (sweeps === 3) stop.abort();
        if (sweeps === 1) throw new Error("a surprise");
        await Promise.resolve();
      },
    });
    await loop.run(stop.signal);
    expect(sweeps).toBe(3);
    expect(lines.filter((line) => line.includes("sweep failed") && line.includes("a surprise"))).toHaveLength(1);
  });

  it("does not wait for a clock that was set back by hours", async () => {
    const stop = new AbortController();
    let now = 10 * 3_600_000;
    let ticks = 0;
    const loop = new SweepLoop("test-sweep", {
      everyMs: 300_000,
      periods: { ...periods, tickMs: 1 },
      clock: {
        now: () => {
          ticks += 1;
          if (ticks === 2) now = 0;
          return (now += 1_000);
        },
      },
      log: createLogger({ level: "silent" as never }),
      sweep: async () => {
        stop.abort();
        await Promise.resolve();
      },
    });
    await loop.run(stop.signal);
    expect(now).toBeLessThan(400_000);
  });

  it("waits by the clock: no sweep comes before its time", async () => {
    const stop = new AbortController();
    let now = 0;
    const at: number[] = [];
    const loop = new SweepLoop("test-sweep", {
      everyMs: 300_000,
      periods: { ...periods, tickMs: 1 },
      // Every look at the clock takes a second of its time.
      clock: { now: () => (now += 1_000) },
      log: createLogger({ level: "silent" as never }),
      sweep: async () => {
        at.push(now);
        if (at.length === 3) stop.abort();
        await Promise.resolve();
      },
    });
    await loop.run(stop.signal);
    const [first = 0, second = 0, third = 0] = at;
    expect(first).toBeGreaterThanOrEqual(27_000);
    expect(first).toBeLessThan(40_000);
    for (const gap of [second - first, third - second]) {
      expect(gap).toBeGreaterThanOrEqual(270_000);
      expect(gap).toBeLessThan(340_000);
    }
  });
});
