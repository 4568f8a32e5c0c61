import type { Clock } from "../../src/util/clock.ts";

/** FakeClock stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;

  /** The default is a whole second, since Kubernetes' times have no fractions. */
  constructor(start: number | string = "2026-01-15T09:00:00Z") {
    this.#now = typeof start === "string" ? Date.parse(start) : start;
  }

  now(): number {
    return this.#now;
  }

  /** advance moves the clock forward; time never runs back, set does that. */
  advance(ms: number): void {
    if (ms < 0) throw new RangeError(`a clock cannot advance by ${ms} ms`);
    this.#now += ms;
  }

  /** set jumps to a moment, for clocks that were corrected. */
  set(moment: number | string): void {
    this.#now = typeof moment === "string" ? Date.parse(moment) : moment;
  }
}
