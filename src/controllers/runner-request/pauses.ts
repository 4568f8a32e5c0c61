import { Wait } from "../../util/wait.ts";
import type { RequestPeriods } from "./periods.ts";

const all = ["launch", "deregister", "busy"] as const;

/** What may be paused for one request; "busy" is the removal of a runner that GitHub calls busy, until its instance ends. */
export type Paused = (typeof all)[number];

interface Pause {
  readonly wait: Wait;
  readonly failures: number;
}

/**
 * Pauses keeps calls to the outside apart, whatever wakes a request in between: its own status write, an event, a poll. They are kept
 * in memory only: a restart may ask once more, and then waits again.
 */
export class Pauses {
  readonly #pauses = new Map<string, Pause>();
  readonly #periods: Pick<RequestPeriods, "failurePauseMs" | "longestFailurePauseMs">;

  constructor(periods: Pick<RequestPeriods, "failurePauseMs" | "longestFailurePauseMs">) {
    this.#periods = periods;
  }

  /** left is how many milliseconds a request has to wait yet, 0 if it need not. */
  left(uid: string, what: Paused, nowMs: number): number {
    return this.#pauses.get(`${what} ${uid}`)?.wait.left(nowMs) ?? 0;
  }

  /** pause makes a request wait for `ms`. */
  pause(uid: string, what: Paused, nowMs: number, ms: number): void {
    const known = this.#pauses.get(`${what} ${uid}`);
    this.#pauses.set(`${what} ${uid}`, { wait: new Wait(nowMs, ms), failures: known?.failures ?? 0 });
  }

  /** fail makes a request wait after a failure of unknown cause: 1 s, then twice as long each time, a minute at most. Returns the wait. */
  fail(uid: string, what: Paused, nowMs: number): number {
    const { failurePauseMs, longestFailurePauseMs } = this.#periods;
    const failures = (this.#pauses.get(`${what} ${uid}`)?.failures ?? 0) + 1;
    const ms = Math.min(failurePauseMs * 2 ** (failures - 1), longestFailurePauseMs) * (0.8 + Math.random() * 0.2);
    this.#pauses.set(`${what} ${uid}`, { wait: new Wait(nowMs, ms), failures });
    return ms;
  }

  /** clear ends the pause and forgets the failures: it worked, or what it waits for has changed. */
  clear(uid: string, what: Paused): void {
    this.#pauses.delete(`${what} ${uid}`);
  }

  /** forget drops everything of a request that is gone. */
  forget(uid: string): void {
    for (const what of all) this.clear(uid, what);
  }
}
