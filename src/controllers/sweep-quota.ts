import type { GitHub } from "../github/types.ts";

/** The share of the App's rate limit that is left to launches and removals: below it, sweeps list nothing that they need not. */
const reservedShare = 1 / 3;

/** isShort tells whether an App has little of its rate limit left. */
export function isShort(github: GitHub): boolean {
  const core = github.rateLimits()["core"];
  return core !== undefined && core.remaining < core.limit * reservedShare;
}
