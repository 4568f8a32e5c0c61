/**
 * Wait is a span of time from now on, by a clock that people and NTP set. A clock that is set back would make it as much longer as the
 * step: so a wait that seems to have more left than its whole span begins anew, and never lasts longer than twice its span; what was
 * once over stays over. A clock that is set forward ends it early, which costs whoever waits one look too many.
 */
export class Wait {
  readonly #spanMs: number;
  #endMs: number;

  constructor(nowMs: number, spanMs: number) {
    this.#spanMs = spanMs;
    this.#endMs = nowMs + spanMs;
  }

  /** left is how many milliseconds are left; 0 when it is over. */
  left(nowMs: number): number {
    if (this.#endMs - nowMs > this.#spanMs) this.#endMs = nowMs + this.#spanMs;
    if (this.#endMs <= nowMs) this.#endMs = Number.NEGATIVE_INFINITY;
    return Math.max(0, this.#endMs - nowMs);
  }

  /** isOver tells whether the span has passed. */
  isOver(nowMs: number): boolean {
    return this.left(nowMs) === 0;
  }
}
