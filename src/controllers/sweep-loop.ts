import { Alarm } from "../util/alarm.ts";
import type { Clock } from "../util/clock.ts";
import { Wait } from "../util/wait.ts";

/** SweepRhythm says when a sweep makes its rounds. */
export interface SweepRhythm {
  readonly everyMs: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
}

/** Extent is what a round covers: everything, or only what was never covered by this process. */
export type Extent = "all" | "untaken";

/**
 * SweepLoop makes a sweep's rounds: one at once, then one a period, less up to a tenth, so that many installations do not call in step.
 * What a round could not cover is tried again after a pause that doubles, and at once when somebody knows that it has become possible.
 */
export class SweepLoop {
  readonly #rhythm: SweepRhythm;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #alarm = new Alarm();
  /** Somebody rang while a round was under way, which may have passed the place already. */
  #rung = false;

  constructor(options: { readonly rhythm: SweepRhythm; readonly clock: Clock; readonly random?: () => number }) {
    this.#rhythm = options.rhythm;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
  }

  /** soon asks for a round over what was never covered, now. */
  soon(): void {
    this.#rung = true;
    this.#alarm.ring();
  }

  /** run makes rounds until the signal aborts; a round says whether everything has been covered once. */
  async run(round: (extent: Extent, signal: AbortSignal) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { everyMs, firstRetryMs, longestRetryMs } = this.#rhythm;
    let full = new Wait(this.#clock.now(), 0);
    let failures = 0;
    while (!signal.aborted) {
      const extent = full.isOver(this.#clock.now()) ? "all" : "untaken";
      this.#rung = false;
      const covered = await round(extent, signal);
      if (signal.aborted) return;
      const nowMs = this.#clock.now();
      if (extent === "all") full = new Wait(nowMs, everyMs * (0.9 + this.#random() * 0.1));
      failures = covered ? 0 : failures + 1;
      const retryMs = covered ? Number.POSITIVE_INFINITY : Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs);
      if (!this.#rung) await this.#alarm.sleep(Math.min(full.left(nowMs), retryMs), signal);
    }
  }
}
