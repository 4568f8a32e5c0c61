import type { GitHubError } from "../../github/errors.ts";
import type { LimitedOwner } from "../../github/types.ts";
import type { Clock } from "../../util/clock.ts";
import type { SweptApp } from "./apps.ts";

/** What GitHub asks for when it names no time: its advice for secondary limits. */
const shortestPauseMs = 60_000;

interface Rest {
  readonly ms: number;
  untilMs: number;
}

/**
 * Budget keeps sweeps from taking what launches need: they stop at half of a quota, and at every limit. Each installation of an App has
 * a quota of its own, and so has the App: a busy organisation must not keep the others, nor the App's own calls, from being swept.
 */
export class Budget {
  readonly #clock: Clock;
  /** Until when sweeps rest, by App and owner; those that are over go with the next limit. */
  readonly #rests = new Map<string, Rest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** allows tells whether a sweep may make a call now that draws on an owner's quota. */
  allows(app: SweptApp, owner: LimitedOwner): boolean {
    const now = this.#clock.now();
    const rest = this.#rests.get(keyFor(app, owner));
    if (rest !== undefined) {
      // A clock that was set back would have it rest for as long as the clock was wrong.
      rest.untilMs = Math.min(rest.untilMs, now + rest.ms);
      if (rest.untilMs > now) return false;
    }
    const core = app.github.rateLimits(owner)["core"];
    return core === undefined || core.remaining * 2 >= core.limit;
  }

  /** limited notes that GitHub refused a call: all sweeps that draw on this quota rest for as long as it asked. */
  limited(app: SweptApp, owner: LimitedOwner, error: GitHubError): void {
    if (error.code !== "RateLimited") return;
    const now = this.#clock.now();
    for (const [key, { untilMs }] of this.#rests) if (untilMs <= now) this.#rests.delete(key);
    const ms = error.retryAfterMs ?? shortestPauseMs;
    this.#rests.set(keyFor(app, owner), { ms, untilMs: now + ms });
  }
}

/** An App has one installation an account, so all repositories of an account share one quota. */
function keyFor(app: SweptApp, owner: LimitedOwner): string {
  return owner === "app" ? app.key : `${app.key} ${accountOf(owner)}`;
}

function accountOf(scope: Exclude<LimitedOwner, "app">): string {
  const name = "organization" in scope ? scope.organization : scope.repository;
  return (name.split("/")[0] ?? "").toLowerCase();
}
