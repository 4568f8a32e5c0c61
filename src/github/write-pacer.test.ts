import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../util/clock.ts";
import { type Pacing, WritePacer, defaultPacing } from "./write-pacer.ts";

const forever = new AbortController().signal;

describe("WritePacer", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pacer = (pacing: Partial<Pacing> = {}) =>
    new WritePacer(systemClock, {
      writes: 5,
      windowMs: 10_000,
      reservedForDeletes: 2,
      concurrency: 100,
      maxWaitMs: 60_000,
      ...pacing,
    });

  /** enter starts a write that is over at once and records when it was let through. */
  function recorder(subject: WritePacer, hold = false) {
    const granted: string[] = [];
    const refused: [string, number][] = [];
    const leaves: (() => void)[] = [];
    const enter = (write: "mint" | "delete", name: string, signal: AbortSignal = forever) => {
      void subject.enter(write, signal).then(
        (leave) => {
          granted.push(`${name}@${Date.now()}`);
          if (hold) leaves.push(leave);
          else leave();
        },
        (error: { retryAfterMs?: number }) => refused.push([name, error.retryAfterMs ?? -1]),
      );
    };
    return { granted, refused, leaves, enter, settle: (ms = 0) => vi.advanceTimersByTimeAsync(ms) };
  }

  it("lets a burst through at once, then as the window frees room, in order", async () => {
    const { granted, enter, settle } = recorder(pacer());
    for (const name of ["a", "b", "c", "d", "e"]) enter("mint", name);
    await settle();
    expect(granted).toEqual(["a@0", "b@0", "c@0"]);
    await settle(10_000);
    expect(granted).toEqual(["a@0", "b@0", "c@0", "d@10000", "e@10000"]);
  });

  it("keeps room for removals when registrations have used theirs", async () => {
    const { granted, enter, settle } = recorder(pacer());
    for (const name of ["a", "b", "c", "d"]) enter("mint", name);
    enter("delete", "x");
    enter("delete", "y");
    enter("delete", "z");
    await settle();
    expect(granted).toEqual(["a@0", "b@0", "c@0", "x@0", "y@0"]);
    await settle(10_000);
    expect(granted.slice(5)).toEqual(["z@10000", "d@10000"]);
  });

  it("never exceeds the window, whenever the writes arrive", async () => {
    const { granted, enter, settle } = recorder(pacer());
    for (let i = 0; i < 40; i += 1) {
      enter("mint", `m${i}`);
      await settle(700);
    }
    await settle(60_000);
    const times = granted.map((entry) => Number(entry.split("@")[1]));
    for (const from of times) expect(times.filter((time) => time >= from && time < from + 10_000).length).toBeLessThanOrEqual(3);
    expect(granted.length).toBeGreaterThan(20);
  });

  it("tells a caller at once when its turn is too far away", async () => {
    const { granted, refused, enter, settle } = recorder(pacer({ maxWaitMs: 5_000 }));
    for (const name of ["a", "b", "c", "d"]) enter("mint", name);
    await settle();
    expect(granted).toHaveLength(3);
    expect(refused).toEqual([["d", 10_000]]);
    await settle(6_000);
    enter("mint", "e");
    await settle(4_000);
    expect(granted[3]).toBe("e@10000");
  });

  it("bounds the writes under way and keeps slots for removals", async () => {
    const { granted, leaves, enter, settle } = recorder(pacer({ writes: 100, concurrency: 5 }), true);
    for (let i = 0; i < 6; i += 1) enter("mint", `m${i}`);
    enter("delete", "x");
    enter("delete", "y");
    await settle();
    expect(granted.map((entry) => entry.split("@")[0])).toEqual(["m0", "m1", "m2", "m3", "x"]);
    leaves[0]?.();
    leaves[0]?.();
    await settle();
    expect(granted.map((entry) => entry.split("@")[0])).toEqual(["m0", "m1", "m2", "m3", "x", "y"]);
  });

  it("gives up waiting for a slot that stays taken", async () => {
    const { refused, enter, settle } = recorder(pacer({ concurrency: 1, maxWaitMs: 5_000 }), true);
    enter("mint", "a");
    enter("mint", "b");
    await settle(5_000);
    expect(refused).toEqual([["b", 1_000]]);
  });

  it("forgets a waiter whose caller gave up", async () => {
    const { granted, refused, enter, settle } = recorder(pacer());
    for (const name of ["a", "b", "c"]) enter("mint", name);
    const given = new AbortController();
    enter("mint", "d", given.signal);
    enter("mint", "e");
    await settle(1_000);
    given.abort();
    await settle(20_000);
    expect(refused).toEqual([["d", -1]]);
    expect(granted[3]).toBe("e@10000");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps, by default, both the limit of a minute and that of an hour", () => {
    const perWindow = defaultPacing.writes;
    expect(perWindow).toBeLessThanOrEqual(180);
    expect((perWindow * 3_600_000) / defaultPacing.windowMs).toBeLessThanOrEqual(10_000);
  });
});
