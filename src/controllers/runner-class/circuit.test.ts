import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Circuit, judge, type Signs, type Trial } from "./circuit.ts";
import { circuitPeriods as periods } from "./circuit-periods.ts";
import { fromEntry, toEntry } from "./circuit-status.ts";

const start = Date.parse("2026-01-15T09:00:00Z");
const second = 1_000;
const minute = 60 * second;

function signs({ interruptions = [], refusals = [], acceptedAt, runners = 0, trials = [] }: Facts): Signs {
  const at = (seconds: number) => ({ atMs: start + seconds * second });
  return {
    interruptions: interruptions.toSorted((a, b) => a - b).map(at),
    refusals: refusals.toSorted((a, b) => a - b).map(at),
    acceptedMs: acceptedAt === undefined ? Number.NEGATIVE_INFINITY : start + acceptedAt * second,
    runners,
    trials,
  };
}

/** Facts are seconds since the start. */
interface Facts {
  readonly interruptions?: readonly number[];
  readonly refusals?: readonly number[];
  readonly acceptedAt?: number | undefined;
  readonly runners?: number;
  readonly trials?: readonly Trial[];
}

const at = (seconds: number): number => start + seconds * second;
const judged = (facts: Facts, seconds: number, known?: Circuit): Circuit | undefined =>
  judge(known, signs(facts), at(seconds), periods);
const trial = (
  launched: number,
  rest: Partial<Record<"startedMs" | "endedMs", number>> & { didItsJob?: boolean } = {},
): Trial => ({
  launchedMs: at(launched),
  didItsJob: rest.didItsJob ?? false,
  ...(rest.startedMs !== undefined && { startedMs: at(rest.startedMs) }),
  ...(rest.endedMs !== undefined && { endedMs: at(rest.endedMs) }),
});

function halfOpen(reason: Circuit["reason"], spanMs: number): Circuit {
  return { state: "HalfOpen", reason, message: "", sinceMs: start - spanMs, untilMs: start };
}

describe("a closed circuit", () => {
  it("opens at the second interruption within 15 minutes, for 30", () => {
    expect(judged({ interruptions: [0] }, 0)).toBeUndefined();
    expect(judged({ interruptions: [0, 900] }, 900)).toEqual({
      state: "Open",
      reason: "Interruptions",
      message: "interrupted 2 times within 15m",
      sinceMs: at(900),
      untilMs: at(900) + 30 * minute,
    });
    expect(judged({ interruptions: [0, 901] }, 901)).toBeUndefined();
  });

  it.each([
    [40, 2],
    [41, 3],
    [200, 10],
    [10_000, 100],
  ])("opens with %i runners at interruption %i", (runners, count) => {
    const interruptions = Array.from({ length: count }, (_, index) => index);
    expect(judged({ interruptions: interruptions.slice(1), runners }, count)).toBeUndefined();
    expect(judged({ interruptions, runners }, count)).toMatchObject({
      state: "Open",
      message: `interrupted ${count} times within 15m`,
    });
  });

  it("opens at refusals however many runners there are", () => {
    expect(judged({ refusals: [0, 1, 2, 3, 4], runners: 10_000 }, 4)).toMatchObject({ state: "Open", reason: "CapacityRefused" });
  });

  it("opens whatever succeeds between two interruptions", () => {
    expect(judged({ interruptions: [0, 60], acceptedAt: 30 }, 60)).toMatchObject({ state: "Open" });
  });

  it("opens at the fifth refusal within 5 minutes, for 5", () => {
    expect(judged({ refusals: [0, 1, 2, 3] }, 3)).toBeUndefined();
    expect(judged({ refusals: [0, 1, 2, 3, 300] }, 300)).toMatchObject({
      state: "Open",
      reason: "CapacityRefused",
      sinceMs: at(300),
      untilMs: at(600),
    });
    expect(judged({ refusals: [0, 1, 2, 3, 301] }, 301)).toBeUndefined();
  });

  it("stays closed while anything succeeds between the refusals", () => {
    expect(judged({ refusals: [0, 1, 2, 4, 5, 6], acceptedAt: 3 }, 6)).toBeUndefined();
    expect(judged({ refusals: [0, 1, 2, 4, 5, 6, 7, 8], acceptedAt: 3 }, 8)).toMatchObject({ state: "Open" });
  });

  it("opens as of then when the signs are seen late, and not at all when its time would be over", () => {
    expect(judged({ interruptions: [0, 60] }, 60 + 29 * 60)).toMatchObject({ state: "Open", sinceMs: at(60) });
    expect(judged({ interruptions: [0, 60] }, 60 + 30 * 60)).toBeUndefined();
  });
});

describe("an open circuit", () => {
  const interrupted = judged({ interruptions: [0, 60] }, 60);
  const refused = judged({ refusals: [0, 1, 2, 3, 4] }, 4);

  it("is half-open when its time is over, and not before", () => {
    expect(judged({ interruptions: [0, 60] }, 60 + 1_799, interrupted)).toBe(interrupted);
    expect(judged({ interruptions: [0, 60] }, 60 + 1_800, interrupted)).toEqual({ ...interrupted, state: "HalfOpen" });
  });

  it("stays open for longer when runners that were there already go on being interrupted", () => {
    expect(judged({ interruptions: [0, 60, 900] }, 900, interrupted)).toEqual({ ...interrupted, untilMs: at(900 + 1_800) });
    expect(judged({ interruptions: [0, 60, 1_000] }, 1_000, interrupted)).toBe(interrupted);
  });

  it("is closed by a runner that the refusing rung gave all the same", () => {
    expect(judged({ refusals: [0, 1, 2, 3, 4], acceptedAt: 5 }, 5, refused)).toBeUndefined();
    expect(judged({ interruptions: [0, 60], acceptedAt: 70 }, 70, interrupted)).toBe(interrupted);
  });

  it("says that of two reasons which lasts longer", () => {
    expect(judged({ refusals: [0, 1, 2, 3, 4], interruptions: [5, 6] }, 6, refused)).toMatchObject({ reason: "Interruptions" });
    expect(judged({ interruptions: [0, 60], refusals: [61, 62, 63, 64, 65] }, 65, interrupted)).toBe(interrupted);
  });
});

describe("a half-open circuit", () => {
  it("is closed by a runner that ran for a while", () => {
    const known = halfOpen("Interruptions", 30 * minute);
    const trials = [trial(0, { startedMs: 40 })];
    expect(judged({ trials }, 40 + 299, known)).toBe(known);
    expect(judged({ trials }, 40 + 300, known)).toBeUndefined();
  });

  it("is closed by a runner whose job ended, however soon, and not by one that ended without a job", () => {
    const known = halfOpen("Interruptions", 30 * minute);
    expect(judged({ trials: [trial(0, { startedMs: 40, endedMs: 60, didItsJob: true })] }, 60, known)).toBeUndefined();
    expect(judged({ trials: [trial(0, { startedMs: 40, endedMs: 60 })] }, 600, known)).toBe(known);
    expect(judged({ trials: [trial(0, { endedMs: 600 })] }, 600, known)).toBe(known);
  });

  it("is not closed by a runner that was started before", () => {
    const known = halfOpen("Interruptions", 30 * minute);
    expect(judged({ trials: [trial(-1, { startedMs: 0 })] }, 600, known)).toBe(known);
  });

  it("opens for twice as long each time, up to a bound", () => {
    const spans: number[] = [];
    let known: Circuit | undefined = halfOpen("Interruptions", 30 * minute);
    for (let turn = 0; turn < 5; turn += 1) {
      known = judged({ interruptions: [((known?.untilMs ?? 0) - start) / second + 1] }, 1e9, known);
      spans.push(((known?.untilMs ?? 0) - (known?.sinceMs ?? 0)) / minute);
      known = known && { ...known, state: "HalfOpen" };
    }
    expect(spans).toEqual([60, 120, 240, 240, 240]);
  });

  it("opens at a single refusal, at most for as long as refusals do", () => {
    const known = halfOpen("Interruptions", 60 * minute);
    expect(judged({ refusals: [5] }, 5, known)).toMatchObject({
      state: "Open",
      reason: "CapacityRefused",
      untilMs: at(5 + 1_800),
    });
  });

  it("is decided by what came first", () => {
    const known = halfOpen("Interruptions", 30 * minute);
    const trials = [trial(0, { startedMs: 10, endedMs: 400 })];
    expect(judged({ trials, interruptions: [400] }, 500, known)).toBeUndefined();
    expect(judged({ trials, interruptions: [300] }, 500, known)).toMatchObject({ state: "Open", sinceMs: at(300) });
  });
});

type Event = readonly ["wait", number] | readonly ["interruption" | "refusal" | "runner" | "runs" | "done"];

const events: fc.Arbitrary<readonly { readonly event: Event; readonly restart: boolean }[]> = fc.array(
  fc.record({
    event: fc.oneof(
      fc.tuple(fc.constant("wait" as const), fc.integer({ min: 1, max: 2_400 })),
      fc.tuple(
        fc.constantFrom(
          "interruption" as const,
          "refusal" as const,
          "refusal" as const,
          "runner" as const,
          "runs" as const,
          "done" as const,
        ),
      ),
    ),
    restart: fc.boolean(),
  }),
  { maxLength: 60 },
);

/** A rung and its history; the trials are those that a process gathers while the circuit is half-open. */
class Rung {
  nowMs = start;
  readonly interruptions: number[] = [];
  readonly refusals: number[] = [];
  readonly runners: Trial[] = [];

  happen(event: Event): void {
    if (event[0] === "wait") this.nowMs += event[1] * second;
    // One thing a second, so that an order can be told from what is stored.
    else this.nowMs += second;
    const newest = this.runners.at(-1);
    if (event[0] === "interruption") this.interruptions.push(this.nowMs);
    else if (event[0] === "refusal") this.refusals.push(this.nowMs);
    else if (event[0] === "runner") this.runners.push({ launchedMs: this.nowMs, didItsJob: false });
    else if (newest === undefined || newest.endedMs !== undefined) return;
    else if (event[0] === "runs") this.runners.splice(-1, 1, { startedMs: this.nowMs, ...newest });
    else if (event[0] === "done") this.runners.splice(-1, 1, { ...newest, endedMs: this.nowMs, didItsJob: true });
  }

  judge(known: Circuit | undefined): Circuit | undefined {
    const stamp = (atMs: number) => ({ atMs });
    let circuit = known;
    for (;;) {
      const halfOpenSince = circuit?.state === "HalfOpen" ? circuit.untilMs : Number.POSITIVE_INFINITY;
      const all: Signs = {
        interruptions: this.interruptions.map(stamp),
        refusals: this.refusals.map(stamp),
        acceptedMs: this.runners.at(-1)?.launchedMs ?? Number.NEGATIVE_INFINITY,
        runners: this.runners.length,
        trials: this.runners.filter(({ launchedMs }) => launchedMs >= halfOpenSince),
      };
      const next = judge(circuit, all, this.nowMs, periods);
      if (next === circuit) return circuit;
      circuit = next;
    }
  }
}

describe("judge, for any history,", () => {
  it("comes to the same circuits after restarts as without", () => {
    fc.assert(
      fc.property(events, (history) => {
        const rung = new Rung();
        let lived: Circuit | undefined;
        let restarted: Circuit | undefined;
        for (const { event, restart } of history) {
          rung.happen(event);
          lived = rung.judge(lived);
          restarted = rung.judge(restart && restarted !== undefined ? fromEntry(toEntry("spot", restarted)) : restarted);
          expect(restarted).toEqual(lived);
        }
      }),
    );
  });

  it("has the rung tried again within the bound, when nothing happens any more", () => {
    fc.assert(
      fc.property(events, (history) => {
        const rung = new Rung();
        let circuit: Circuit | undefined;
        for (const { event } of history) {
          rung.happen(event);
          circuit = rung.judge(circuit);
          expect((circuit?.untilMs ?? 0) - rung.nowMs).toBeLessThanOrEqual(periods.longestInterruptionOpenMs);
        }
        rung.nowMs += periods.longestInterruptionOpenMs;
        expect(rung.judge(circuit)?.state).not.toBe("Open");
      }),
    );
  });

  it("closes after a runner that did its job undisturbed", () => {
    fc.assert(
      fc.property(events, (history) => {
        const rung = new Rung();
        let circuit: Circuit | undefined;
        for (const { event } of history) {
          rung.happen(event);
          circuit = rung.judge(circuit);
        }
        for (const event of [["wait", 5 * 3_600], ["runner"], ["runs"], ["done"]] as const) {
          rung.happen(event);
          circuit = rung.judge(circuit);
        }
        expect(circuit).toBeUndefined();
      }),
    );
  });
});
