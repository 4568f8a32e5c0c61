import { describe, expect, it } from "vitest";
import { GitHubError } from "../../github/errors.ts";
import type { GitHub, LimitedOwner, RateLimit } from "../../github/types.ts";
import type { SweptApp } from "./apps.ts";
import { Budget } from "./budget.ts";

const at = Date.parse("2026-01-15T09:00:00Z");
const web = { repository: "acme/web" };

function app(core?: Partial<RateLimit>, key = "app"): SweptApp {
  const limits = core === undefined ? {} : { core: { limit: 5_000, remaining: 5_000, resetAt: "2026-01-15T10:00:00Z", ...core } };
  const ofAcme = (of: LimitedOwner | undefined) => (of !== "app" && of !== undefined && "repository" in of ? limits : {});
  return { key, host: "github.com", objects: [], github: { rateLimits: ofAcme } as GitHub };
}

describe("Budget", () => {
  it.each<[string, Partial<RateLimit> | undefined, boolean]>([
    ["nothing was seen yet", undefined, true],
    ["half is left", { remaining: 2_500 }, true],
    ["less than half is left", { remaining: 2_499 }, false],
  ])("when %s", (_name, core, allowed) => {
    expect(new Budget({ now: () => at }).allows(app(core), web)).toBe(allowed);
    expect(new Budget({ now: () => at }).allows(app(core), "app")).toBe(true);
  });

  it("has an account rest for as long as GitHub asks, and no other, nor the App itself", () => {
    let now = at;
    const budget = new Budget({ now: () => now });
    budget.limited(app(), web, new GitHubError("RateLimited", "slow down", { retryAfterMs: 90_000 }));
    budget.limited(app(), { repository: "other/web" }, new GitHubError("Unavailable", "broken"));
    expect(budget.allows(app(), { repository: "Acme/api" })).toBe(false);
    expect(budget.allows(app(), { organization: "acme" })).toBe(false);
    for (const owner of ["app", { repository: "other/web" }] as const) expect(budget.allows(app(), owner)).toBe(true);
    expect(budget.allows(app(undefined, "another"), web)).toBe(true);
    now += 89_999;
    expect(budget.allows(app(), web)).toBe(false);
    now += 1;
    expect(budget.allows(app(), web)).toBe(true);
  });

  it("does not rest for a clock that was set back", () => {
    let now = at;
    const budget = new Budget({ now: () => now });
    budget.limited(app(), "app", new GitHubError("RateLimited", "slow down", { retryAfterMs: 90_000 }));
    now -= 36_000_000;
    expect(budget.allows(app(), "app")).toBe(false);
    now += 90_000;
    expect(budget.allows(app(), "app")).toBe(true);
  });
});
