/** Backoff doubles a delay from try to try, with jitter so that many clients of one server do not return together. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: { minMs: number; maxMs: number; random?: () => number }) {
    this.#minMs = options.minMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random ?? Math.random;
  }

  /** next is the delay before the coming try: between the full step and half of it. */
  next(): number {
    const step = Math.min(this.#minMs * 2 ** this.#failures, this.#maxMs);
    if (step < this.#maxMs) this.#failures++;
    return step * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
