interface Waiter {
  readonly enter: () => void;
}

/** Semaphore lets so many works go on at a time; the others wait in the order in which they came. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<Waiter>();

  constructor(permits: number) {
    if (!Number.isInteger(permits) || permits < 1) throw new RangeError(`a semaphore of ${permits} would let nobody in`);
    this.#free = permits;
  }

  /** run does the work once there is room. @throws what the work throws, or the signal's reason when that aborts before the work began */
  async run<R>(work: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#entered(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  #entered(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const onAbort = (): void => {
        this.#waiting.delete(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        enter: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Whoever leaves hands its place on: a newcomer does not get it before those who wait. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.enter();
  }
}
