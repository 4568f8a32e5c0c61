import { sleep } from "../../kube/abort.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import type { Periods } from "./periods.ts";

/** SweepLoop repeats a sweep for as long as this process leads. Its pauses differ by up to a tenth, so that sweeps do not go in step. */
export class SweepLoop {
  readonly name: string;
  readonly #o: {
    readonly sweep: (signal: AbortSignal) => Promise<void>;
    readonly everyMs: number;
    readonly periods: Periods;
    readonly clock: Clock;
    readonly log: Logger;
  };

  constructor(
    name: string,
    options: {
      readonly sweep: (signal: AbortSignal) => Promise<void>;
      readonly everyMs: number;
      readonly periods: Periods;
      readonly clock: Clock;
      readonly log: Logger;
    },
  ) {
    this.name = name;
    this.#o = options;
  }

  /** run sweeps until the signal aborts. A sweep that fails is logged: the next one begins from what is stored. */
  async run(signal: AbortSignal): Promise<void> {
    const { sweep, everyMs, periods, clock, log } = this.#o;
    const longestMs = Math.max(everyMs, periods.firstSweepMs) * 1.1;
    let nextMs = clock.now() + jittered(periods.firstSweepMs);
    while (!signal.aborted) {
      // In short steps by the clock, so that a machine that slept, or a test that moved the clock, is noticed.
      while (!signal.aborted && clock.now() < nextMs) {
        // A clock that was set back would have it wait for as long as the clock was wrong.
        nextMs = Math.min(nextMs, clock.now() + longestMs);
        await sleep(Math.min(nextMs - clock.now(), periods.tickMs), signal);
      }
      if (signal.aborted) return;
      try {
        await sweep(signal);
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, "sweep failed");
      }
      nextMs = clock.now() + jittered(everyMs);
    }
  }
}

function jittered(ms: number): number {
  return ms * (0.9 + 0.2 * Math.random());
}
