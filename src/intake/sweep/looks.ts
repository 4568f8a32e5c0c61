import { shortHash } from "../../util/hash.ts";
import type { Periods } from "./periods.ts";

interface Look {
  dueMs: number;
  /** Looks in a row that brought no news. */
  vain: number;
}

/** Looks says when each run of an App is to be read: soon at first, then after growing gaps, for as long as it is stale. */
export class Looks {
  readonly #periods: Pick<Periods, "firstGapMs" | "longestGapMs">;
  /** Only of runs that are stale now. */
  #looks = new Map<string, Look>();
  #started = false;

  constructor(periods: Pick<Periods, "firstGapMs" | "longestGapMs">) {
    this.#periods = periods;
  }

  /** due takes the runs that are stale now and returns those to be read, the longest overdue first. */
  due(keys: Iterable<string>, nowMs: number): readonly string[] {
    const before = this.#looks;
    this.#looks = new Map();
    for (const key of keys) {
      const look = before.get(key) ?? { dueMs: nowMs + this.#firstDelayMs(key), vain: 0 };
      // A clock that was set back would have it wait for as long as the clock was wrong.
      look.dueMs = Math.min(look.dueMs, nowMs + this.#periods.longestGapMs);
      this.#looks.set(key, look);
    }
    this.#started = true;
    return [...this.#looks]
      .filter(([, { dueMs }]) => dueMs <= nowMs)
      .sort(([a, left], [b, right]) => left.dueMs - right.dueMs || (a < b ? -1 : 1))
      .map(([key]) => key);
  }

  /** looked notes that a run was read, and whether that brought news. */
  looked(key: string, hadNews: boolean, nowMs: number): void {
    const look = this.#looks.get(key);
    if (look === undefined) return;
    look.vain = hadNews ? 0 : look.vain;
    const gapMs = this.#periods.firstGapMs * 2 ** Math.min(look.vain, 20);
    look.vain += 1;
    look.dueMs = nowMs + Math.min(gapMs, this.#periods.longestGapMs);
  }

  /** postpone puts a run behind all that are overdue: it could not be read, or what was read not be stored. */
  postpone(key: string, nowMs: number): void {
    const look = this.#looks.get(key);
    if (look !== undefined) look.dueMs = nowMs;
  }

  /** What is stale when the process begins to lead became so at any time before: a hash spreads it, so that no restart is a burst. */
  #firstDelayMs(key: string): number {
    return this.#started ? 0 : Number.parseInt(shortHash(key), 16) % this.#periods.firstGapMs;
  }
}
