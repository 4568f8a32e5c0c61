import type { GitHub, Scope } from "../github/types.ts";

/** The share of a rate limit that is left to launches and removals: below it, sweeps list nothing that they need not. */
const reservedShare = 1 / 3;

/** isShort tells whether little is left of the rate limit that calls in a scope draw on: that of its own installation. */
export function isShort(github: GitHub, scope: Scope): boolean {
  const core = github.rateLimits(scope)["core"];
  return core !== undefined && core.remaining < core.limit * reservedShare;
}
