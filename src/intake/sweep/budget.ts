import type { GitHubError } from "../../github/errors.ts";
import type { GitHub } from "../../github/types.ts";
import type { Clock } from "../../util/clock.ts";

/** What GitHub asks for when it names no time: its advice for secondary limits. */
const shortestPauseMs = 60_000;

/** Budget keeps sweeps from taking what launches need: they stop at half of an App's quota, and at every limit. */
export class Budget {
  readonly #clock: Clock;
  /** Until when an App's sweeps rest, by the App's key; one entry an App. */
  readonly #restUntilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** allows tells whether a sweep may make a call now. */
  allows(app: string, github: GitHub): boolean {
    const now = this.#clock.now();
    if ((this.#restUntilMs.get(app) ?? 0) > now) return false;
    const core = github.rateLimits()["core"];
    // What was seen of a window that is over says nothing any more.
    if (core === undefined || Date.parse(core.resetAt) <= now) return true;
    return core.remaining * 2 >= core.limit;
  }

  /** limited notes that GitHub refused a call: all sweeps of the App rest for as long as it asked. */
  limited(app: string, error: GitHubError): void {
    if (error.code !== "RateLimited") return;
    this.#restUntilMs.set(app, this.#clock.now() + (error.retryAfterMs ?? shortestPauseMs));
  }
}
