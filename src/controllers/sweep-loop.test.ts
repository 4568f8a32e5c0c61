import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Extent, SweepLoop } from "./sweep-loop.ts";

const rhythm = { everyMs: 100_000, firstRetryMs: 5_000, longestRetryMs: 20_000 };

/** A loop that notes when it made which round; `covered` is what the rounds say. */
function begin(random = 0, covered = true) {
  const stop = new AbortController();
  const loop = new SweepLoop({ rhythm, clock: { now: () => Date.now() }, random: () => random });
  const rounds: [number, Extent][] = [];
  const state = { covered, during: (): void => undefined };
  const startedMs = Date.now();
  const running = loop.run(async (extent) => {
    rounds.push([Date.now() - startedMs, extent]);
    state.during();
    return state.covered;
  }, stop.signal);
  return { loop, rounds, state, end: async () => (stop.abort(), running) };
}

describe("SweepLoop", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("makes a round at once and then one a period, less up to a tenth", async () => {
    const early = begin(0);
    const late = begin(1);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(early.rounds.map(([at]) => at)).toEqual([0, 90_000, 180_000]);
    expect(late.rounds.map(([at]) => at)).toEqual([0, 100_000, 200_000]);
    await Promise.all([early.end(), late.end()]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("tries again what it could not cover, after 5, 10, 20, 20 s, and keeps its period besides", async () => {
    const { rounds, end } = begin(0, false);
    await vi.advanceTimersByTimeAsync(95_000);
    expect(rounds).toEqual([
      [0, "all"],
      [5_000, "untaken"],
      [15_000, "untaken"],
      [35_000, "untaken"],
      [55_000, "untaken"],
      [75_000, "untaken"],
      [90_000, "all"],
    ]);
    await end();
  });

  it("looks at once when somebody rings, during a round too, and does not ring on", async () => {
    const { loop, rounds, state, end } = begin();
    await vi.advanceTimersByTimeAsync(1_000);
    loop.soon();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(rounds).toEqual([
      [0, "all"],
      [1_000, "untaken"],
    ]);
    state.during = () => {
      state.during = () => undefined;
      loop.soon();
    };
    loop.soon();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(rounds.slice(2)).toEqual([
      [2_000, "untaken"],
      [2_000, "untaken"],
    ]);
    await end();
  });

  it("waits for twice its period at most when the clock is set back, and makes one round early when it is set forward", async () => {
    const { rounds, end } = begin(1);
    const at = (): number[] => rounds.filter(([, extent]) => extent === "all").map(([ms]) => ms);
    await vi.advanceTimersByTimeAsync(50_000);
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(150_000);
    expect(at()).toEqual([0, 200_000 - 3_600_000]);
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(at()).toHaveLength(3);
    await end();
  });
});
