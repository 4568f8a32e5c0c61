/** Population counts the runners that a rung had within a window of time: those that live, and those that ended in it. */
export class Population {
  readonly #windowMs: number;
  /** By request: of its attempts only the newest lives. */
  readonly #live = new Map<string, string>();
  /** When attempts ended, in the order in which that was heard, which is near enough the order of time. */
  readonly #ended = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** note takes in what a request tells of the runner of one attempt, however often. */
  note(uid: string, attempt: string, endedMs: number | undefined, nowMs: number): void {
    if (endedMs === undefined) {
      this.#live.set(uid, attempt);
      return;
    }
    if (this.#live.get(uid) === attempt) this.#live.delete(uid);
    if (endedMs > nowMs - this.#windowMs) this.#ended.set(attempt, endedMs);
  }

  /** gone forgets a request that does not exist any more; a runner of its that ended still counts. */
  gone(uid: string): void {
    this.#live.delete(uid);
  }

  /** size is how many runners there were. What is over is forgotten, so this is cheap however many there were. */
  size(nowMs: number): number {
    for (const [attempt, endedMs] of this.#ended) {
      if (endedMs > nowMs - this.#windowMs) break;
      this.#ended.delete(attempt);
    }
    return this.#live.size + this.#ended.size;
  }
}
