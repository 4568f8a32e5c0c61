import { describe, expect, it } from "vitest";
import { GitHubError } from "../../github/errors.ts";
import type { GitHub, RateLimit } from "../../github/types.ts";
import { Budget } from "./budget.ts";

const at = Date.parse("2026-01-15T09:00:00Z");

function github(core?: Partial<RateLimit>): GitHub {
  const limits = core === undefined ? {} : { core: { limit: 5_000, remaining: 5_000, resetAt: "2026-01-15T10:00:00Z", ...core } };
  return { rateLimits: () => limits } as GitHub;
}

describe("Budget", () => {
  it.each<[string, Partial<RateLimit> | undefined, boolean]>([
    ["nothing was seen yet", undefined, true],
    ["half is left", { remaining: 2_500 }, true],
    ["less than half is left", { remaining: 2_499 }, false],
    ["the window in which little was left is over", { remaining: 1, resetAt: "2026-01-15T08:59:59Z" }, true],
  ])("when %s", (_name, core, allowed) => {
    expect(new Budget({ now: () => at }).allows("app", github(core))).toBe(allowed);
  });

  it("has an App rest for as long as GitHub asks, and no other", () => {
    let now = at;
    const budget = new Budget({ now: () => now });
    budget.limited("app", new GitHubError("RateLimited", "slow down", { retryAfterMs: 90_000 }));
    budget.limited("other", new GitHubError("Unavailable", "broken"));
    expect([budget.allows("app", github()), budget.allows("other", github())]).toEqual([false, true]);
    now += 89_999;
    expect(budget.allows("app", github())).toBe(false);
    now += 1;
    expect(budget.allows("app", github())).toBe(true);
  });
});
