import type { Clock } from "../util/clock.ts";

/**
 * RetryBudget is a token bucket that all retries of one App share: single hiccups are ridden out, while an outage is not answered
 * with three times the load.
 */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Clock, options: { capacity: number; perMinute: number } = { capacity: 20, perMinute: 20 }) {
    this.#clock = clock;
    this.#capacity = options.capacity;
    this.#perMs = options.perMinute / 60_000;
    this.#tokens = options.capacity;
    this.#filledAtMs = clock.now();
  }

  /** take draws one retry and tells whether there was one left. */
  take(): boolean {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, now - this.#filledAtMs) * this.#perMs);
    this.#filledAtMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
