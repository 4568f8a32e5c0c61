import { describe, expect, it, vi } from "vitest";
import { Alarm } from "./alarm.ts";

const never = new AbortController().signal;

describe("Alarm", () => {
  it("ends a sleep at a ring, at an abort, and when the time is over", async () => {
    vi.useFakeTimers();
    try {
      const alarm = new Alarm();
      const rung = alarm.sleep(60_000, never);
      alarm.ring();
      await rung;
      const stop = new AbortController();
      const aborted = alarm.sleep(60_000, stop.signal);
      stop.abort();
      await aborted;
      const timed = alarm.sleep(60_000, never);
      await vi.advanceTimersByTimeAsync(60_000);
      await timed;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("does not sleep when the moment has passed or the signal has aborted", async () => {
    const alarm = new Alarm();
    await alarm.sleep(0, never);
    await alarm.sleep(60_000, AbortSignal.abort());
    expect(() => alarm.ring()).not.toThrow();
  });

  it("wakes at least once an hour, since longer timers fire at once", async () => {
    vi.useFakeTimers();
    try {
      const timed = new Alarm().sleep(Number.POSITIVE_INFINITY, never);
      await vi.advanceTimersByTimeAsync(3_600_000);
      await expect(timed).resolves.toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
});
