import { sleep } from "./abort.ts";
import { unlessAborted } from "../util/unless-aborted.ts";

/**
 * Turns lets those who read and write one thing do it one after the other. Where every write carries the version that it was computed
 * from, correctness does not need it: it saves the writes that are known to be refused, and what is read again after each of them. So
 * nobody waits for long: a call that hangs must not hold up those whose next connection would lead to a server that answers.
 */
export class Turns {
  /** By key, what settles when the newest turn and all before it are over. */
  readonly #ends = new Map<string, Promise<void>>();
  readonly #longestMs: number;

  constructor(longestMs = 500) {
    this.#longestMs = longestMs;
  }

  /**
   * take waits for the turns of a key that were taken before, or for `longestMs`, and then does the work.
   * @throws what the work throws, or the signal's reason
   */
  async take<R>(key: string, work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    const before = this.#ends.get(key);
    const own = Promise.withResolvers<void>();
    // Whoever leaves the line has not ended the turns before its own.
    const end = before === undefined ? own.promise : before.then(() => own.promise);
    this.#ends.set(key, end);
    try {
      if (before !== undefined) await this.#wait(before, signal);
      return await work();
    } finally {
      own.resolve();
      // Only when those before it are over as well: whoever left the line early would let the next one in beside them.
      void end.then(() => {
        if (this.#ends.get(key) === end) this.#ends.delete(key);
      });
    }
  }

  async #wait(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const enough = new AbortController();
    const pause = sleep(this.#longestMs, enough.signal);
    const first = Promise.race([before, pause]).then(() => undefined);
    try {
      await (signal === undefined ? first : unlessAborted(first, signal));
    } finally {
      enough.abort();
    }
  }

  /** Of how many keys turns are taken. */
  get size(): number {
    return this.#ends.size;
  }
}
