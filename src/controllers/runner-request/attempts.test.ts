import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptReasons } from "../../api/v1alpha1/reasons.ts";
import type { Attempt } from "../../api/v1alpha1/runner-request.ts";
import { isConfigError, nextAttempt, nextTry } from "./attempts.ts";
import { requestPeriods } from "./periods.ts";

const ended = Date.parse("2026-01-15T09:00:00Z");
const uid = "00000000-0000-4000-8000-000000000001";

function attempt(number: number, reason: string, overrides: Partial<Attempt> = {}): Attempt {
  return { number, reason, startedAt: "2026-01-15T08:50:00Z", endedAt: "2026-01-15T09:00:00Z", ...overrides };
}

const pause = (attempts: readonly Attempt[], limit = 5): number =>
  (nextAttempt(attempts, limit, uid, requestPeriods).atMs - ended) / 1_000;

describe("the pause between attempts", () => {
  it("doubles from 5 s up to a minute", () => {
    const pauses = [1, 2, 3, 4, 5, 6].map((number) => pause([attempt(number, "NoJob")], 20));
    for (const [at, seconds] of [5, 10, 20, 40, 60, 60].entries()) {
      expect(pauses[at]).toBeGreaterThanOrEqual(seconds * 0.9);
      expect(pauses[at]).toBeLessThanOrEqual(seconds);
    }
  });

  it("is a quarter of an hour once the fast attempts are used up", () => {
    expect(nextAttempt([attempt(5, "NoJob")], 5, uid, requestPeriods).slow).toBe(true);
    expect(pause([attempt(5, "NoJob")])).toBeGreaterThanOrEqual(13.5 * 60);
  });

  it("is nothing after an interruption, since another rung may have room", () => {
    expect(pause([attempt(1, "Interrupted")])).toBe(0);
  });

  it("is long from the second misconfigured start on", () => {
    expect(pause([attempt(1, "Misconfigured")])).toBeLessThanOrEqual(5);
    expect(nextAttempt([attempt(1, "Misconfigured"), attempt(2, "Misconfigured")], 5, uid, requestPeriods).slow).toBe(true);
    expect(nextAttempt([attempt(1, "Misconfigured"), attempt(2, "StartFailed")], 5, uid, requestPeriods).slow).toBe(false);
    expect(nextAttempt([attempt(1, "Misconfigured"), attempt(2, "RunnerVersionRefused")], 5, uid, requestPeriods).slow).toBe(
      true,
    );
    expect(isConfigError([attempt(1, "Misconfigured")])).toBe(false);
  });

  it("is the same whoever computes it, and differs between requests", () => {
    const attempts = [attempt(3, "NoJob")];
    expect(nextAttempt(attempts, 5, uid, requestPeriods)).toEqual(nextAttempt(attempts, 5, uid, requestPeriods));
    const others = new Set([1, 2, 3, 4, 5].map((n) => nextAttempt(attempts, 5, `${uid}${n}`, requestPeriods).atMs));
    expect(others.size).toBeGreaterThan(1);
  });
});

describe("the pause between tries of an attempt that was refused", () => {
  const tried = (tries: number, after = 0): Attempt => ({
    number: 1,
    tries,
    startedAt: "2026-01-15T09:00:00Z",
    triedAt: new Date(ended + after).toISOString(),
  });
  const wait = (code: Parameters<typeof nextTry>[0], of: Attempt): number =>
    (nextTry(code, of, 600_000, uid, requestPeriods).atMs - Date.parse(of.triedAt ?? "")) / 1_000;

  it("is 15 to 60 s for capacity", () => {
    expect(wait("InsufficientCapacity", tried(1))).toBeLessThanOrEqual(15);
    expect(wait("InsufficientCapacity", tried(9))).toBeGreaterThanOrEqual(54);
    expect(wait("InsufficientCapacity", tried(9))).toBeLessThanOrEqual(60);
  });

  it("is long once the launch deadline has passed", () => {
    expect(nextTry("InsufficientCapacity", tried(20, 600_000), 600_000, uid, requestPeriods).slow).toBe(true);
  });

  it("is long at once for what only a change of the class can mend", () => {
    expect(nextTry("InvalidRequest", tried(1), 600_000, uid, requestPeriods).slow).toBe(true);
  });

  it("is a minute or more for rights, which people mend", () => {
    expect(wait("Unauthorized", tried(1))).toBeGreaterThanOrEqual(54);
    expect(wait("Unauthorized", tried(9))).toBeLessThanOrEqual(300);
  });
});

describe("a job that never gets a runner", () => {
  const reasons = fc.array(fc.constantFrom(...Object.keys(attemptReasons)), { minLength: 200, maxLength: 200 });

  it("costs a bounded number of attempts, whatever ends them and however quickly", () => {
    fc.assert(
      fc.property(reasons, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 120_000 }), (ends, limit, livedMs) => {
        const attempts: Attempt[] = [];
        let atMs = ended;
        const starts: number[] = [];
        for (const [index, reason] of ends.entries()) {
          const plan = nextAttempt(attempts.slice(-5), limit, uid, requestPeriods);
          atMs = Math.max(atMs, plan.atMs);
          starts.push(atMs);
          atMs += livedMs;
          attempts.push({ number: index + 1, reason, startedAt: at(starts.at(-1) ?? 0), endedAt: at(atMs) });
        }
        const within = (ms: number): number => starts.filter((start) => start - ended < ms).length;
        // Fast ones first, then one in a quarter of an hour (a tenth less with jitter).
        expect(within(3_600_000)).toBeLessThanOrEqual(limit + 5);
        expect(within(24 * 3_600_000)).toBeLessThanOrEqual(limit + 107);
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });

  it("is tried again for ever within the day: no plan lies further away than the slow pause", () => {
    fc.assert(
      fc.property(reasons, fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 }), (ends, number, limit) => {
        const newest = [number - 1, number].filter((each) => each > 0).map((each) => attempt(each, ends[each - 1] ?? "NoJob"));
        const { atMs } = nextAttempt(newest, limit, uid, requestPeriods);
        expect(atMs).toBeGreaterThanOrEqual(ended);
        expect(atMs).toBeLessThanOrEqual(ended + requestPeriods.slowAttemptMs);
      }),
    );
  });
});

function at(ms: number): string {
  return new Date(ms).toISOString();
}
