import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../util/clock.ts";
import type { Operation } from "./operations.ts";
import { RateLimits, parseRetryAfter } from "./rate-limits.ts";
import type { AnswerHeaders } from "./transport.ts";

const start = Date.parse("2026-01-15T09:00:00Z");
const noHeaders: AnswerHeaders = {
  date: undefined,
  retryAfter: undefined,
  rateLimit: undefined,
  acceptedPermissions: undefined,
  requestId: undefined,
};

function bucket(
  remaining: number,
  options: { resource?: string; limit?: number; resetInS?: number; date?: string } = {},
): AnswerHeaders {
  const { resource = "core", limit = 5_000, resetInS = 600, date } = options;
  return { ...noHeaders, date, rateLimit: { limit, remaining, resource, resetSeconds: start / 1_000 + resetInS } };
}

describe("RateLimits", () => {
  let limits: RateLimits;
  const answer = (
    status: number,
    headers: AnswerHeaders,
    options: { owner?: string; operation?: Operation; text?: boolean } = {},
  ) =>
    limits.observe(options.owner ?? "1", options.operation ?? "getRunner", {
      status,
      headers,
      saysRateLimit: options.text ?? false,
    });

  beforeEach(() => {
    vi.useFakeTimers({ now: start });
    limits = new RateLimits(systemClock);
  });

  it("shows an owner's buckets while their window runs, by GitHub's clock and not by ours", () => {
    // Ours is ten hours ahead of GitHub's, on which the window ends in ten minutes.
    vi.setSystemTime(start + 36_000_000);
    answer(200, bucket(7, { date: new Date(start).toUTCString() }));
    answer(200, bucket(9, { date: new Date(start).toUTCString() }), { owner: "2" });
    expect(limits.of("1")).toMatchObject({ core: { remaining: 7 } });
    expect(limits.of(undefined)).toEqual({});
    expect(limits.of("3")).toEqual({});
    vi.setSystemTime(start + 36_000_000 + 600_000);
    expect(limits.of("1")).toEqual({});
  });

  it("pauses no longer than twice what was asked for when the clock is set back meanwhile", () => {
    answer(429, { ...noHeaders, retryAfter: "60" });
    vi.setSystemTime(start - 3_600_000);
    expect(limits.waitMs("1", "getRunner")).toBe(60_000);
    vi.setSystemTime(start - 3_600_000 + 60_000);
    expect(limits.waitMs("1", "getRunner")).toBe(0);
  });

  it("shows no bucket whose window is over: what was left of it says nothing any more", () => {
    answer(200, bucket(7));
    vi.setSystemTime(start + 600_000);
    expect(limits.current()).toEqual({});
    answer(200, bucket(4_000, { resetInS: 4_200 }), { owner: "2" });
    expect(limits.current()["core"]?.remaining).toBe(4_000);
  });

  it("does not wait for a window that a clock, which was set back by hours, puts hours ahead", () => {
    answer(200, bucket(0));
    expect(limits.waitMs("1", "getRunner")).toBe(600_000);
    vi.setSystemTime(start - 36_000_000);
    expect(limits.waitMs("1", "getRunner")).toBe(0);
    expect(limits.of("1")).toEqual({});
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("lets everything through before anything is known", () => {
    expect(limits.waitMs("1", "mintJitConfig")).toBe(0);
    expect(limits.current()).toEqual({});
  });

  it.each([403, 429])("obeys Retry-After with status %i, for every call of that installation and until then", (status) => {
    expect(answer(status, { ...noHeaders, retryAfter: "30" })).toBe(30_000);
    expect(limits.waitMs("1", "mintJitConfig")).toBe(30_000);
    expect(limits.waitMs("1", "deleteRunner")).toBe(30_000);
    expect(limits.waitMs("2", "mintJitConfig")).toBe(0);
    vi.advanceTimersByTime(29_999);
    expect(limits.waitMs("1", "getJob")).toBe(1);
    vi.advanceTimersByTime(1);
    expect(limits.waitMs("1", "getJob")).toBe(0);
  });

  it("waits for the reset of an exhausted bucket, and only with calls that are counted there", () => {
    answer(200, bucket(3_000), { operation: "deleteRunner" });
    expect(answer(403, bucket(0, { resource: "actions_runner_registration" }), { operation: "mintJitConfig" })).toBe(600_000);
    expect(limits.waitMs("1", "mintJitConfig")).toBe(600_000);
    expect(limits.waitMs("1", "deleteRunner")).toBe(0);
    expect(limits.waitMs("1", "getJob")).toBe(0);
    vi.advanceTimersByTime(600_000);
    expect(limits.waitMs("1", "mintJitConfig")).toBe(0);
  });

  it("sends no call that would be refused: the last allowed answer says that nothing is left", () => {
    expect(answer(200, bucket(0))).toBeUndefined();
    expect(limits.waitMs("1", "getRunner")).toBe(600_000);
  });

  it("counts the time until the reset on GitHub's clock", () => {
    // This machine is five minutes ahead.
    answer(403, bucket(0, { date: "Thu, 15 Jan 2026 08:55:00 GMT" }));
    expect(limits.waitMs("1", "getRunner")).toBe(900_000);
  });

  it("leaves the last two per cent of a bucket to removals", () => {
    answer(200, bucket(100), { operation: "mintJitConfig" });
    answer(200, bucket(100), { operation: "deleteRunner" });
    expect(limits.waitMs("1", "mintJitConfig")).toBe(600_000);
    expect(limits.waitMs("1", "deleteRunner")).toBe(0);
  });

  it("waits a minute after a limit without hints, twice as long after each further one, at most 15 minutes", () => {
    const waits = Array.from({ length: 6 }, () => {
      const wait = answer(403, noHeaders, { text: true }) ?? 0;
      vi.advanceTimersByTime(wait);
      return wait;
    });
    expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
    answer(200, noHeaders);
    expect(answer(429, noHeaders)).toBe(60_000);
  });

  it("takes refusals of calls that were under way together for one", () => {
    answer(429, noHeaders);
    vi.advanceTimersByTime(1_000);
    expect(answer(429, noHeaders)).toBe(59_000);
    // A success of a call that left earlier proves nothing either.
    answer(200, noHeaders);
    vi.advanceTimersByTime(59_000);
    expect(answer(429, noHeaders)).toBe(120_000);
  });

  it("takes a plain 403 for a missing permission and not for a limit", () => {
    expect(answer(403, bucket(4_000))).toBeUndefined();
    expect(limits.waitMs("1", "getRunner")).toBe(0);
  });

  it("never shortens a pause that runs already", () => {
    answer(429, { ...noHeaders, retryAfter: "300" });
    expect(answer(429, { ...noHeaders, retryAfter: "5" })).toBe(300_000);
    expect(limits.waitMs("1", "getRunner")).toBe(300_000);
  });

  it("shows the tightest bucket of each resource", () => {
    answer(200, bucket(4_000), { owner: "1" });
    answer(200, bucket(10), { owner: "2" });
    answer(200, bucket(9_999, { resource: "actions_runner_registration", limit: 10_000 }), { operation: "mintJitConfig" });
    expect(limits.current()).toEqual({
      actions_runner_registration: { limit: 10_000, remaining: 9_999, resetAt: "2026-01-15T09:10:00Z" },
      core: { limit: 5_000, remaining: 10, resetAt: "2026-01-15T09:10:00Z" },
    });
    vi.advanceTimersByTime(600_000);
    answer(200, bucket(3_000, { resetInS: 1_200 }), { owner: "1" });
    expect(limits.current()["core"]).toEqual({ limit: 5_000, remaining: 3_000, resetAt: "2026-01-15T09:20:00Z" });
  });

  it("is not misled by answers that overtake each other", () => {
    answer(200, bucket(10));
    answer(200, bucket(12));
    expect(limits.current()["core"]?.remaining).toBe(10);
  });
});

describe("parseRetryAfter", () => {
  it.each([
    ["60", 60_000],
    [" 1 ", 1_000],
    ["0", 1_000],
    ["999999999", 86_400_000],
    ["Thu, 15 Jan 2026 09:00:45 GMT", 45_000],
    ["Thu, 15 Jan 2026 08:00:00 GMT", 1_000],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("reads %j as %j ms", (retryAfter, expected) => {
    expect(parseRetryAfter({ ...noHeaders, retryAfter }, start)).toBe(expected);
  });
});
