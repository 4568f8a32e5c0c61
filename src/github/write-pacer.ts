import type { Clock } from "../util/clock.ts";

/** Pacing bounds the writes of one App: GitHub's secondary limits cannot be asked for, so they are kept by counting. */
export interface Pacing {
  /** Writes in any window of `windowMs`. 180 in 65 s keeps both the 180 a minute and, at 166 a minute, the 10,000 an hour. */
  readonly writes: number;
  readonly windowMs: number;
  /** Of those, how many only removals may take. */
  readonly reservedForDeletes: number;
  /** Writes under way at a time; registrations leave one in five to removals. */
  readonly concurrency: number;
  /** How long a write waits for its turn before the caller is told to come back. */
  readonly maxWaitMs: number;
}

/** defaultPacing follows what GitHub documents and peers have measured for just-in-time registrations. */
export const defaultPacing: Pacing = { writes: 180, windowMs: 65_000, reservedForDeletes: 10, concurrency: 10, maxWaitMs: 5_000 };

/** PaceExceeded is thrown when a write would wait too long. */
export class PaceExceeded extends Error {
  override readonly name = "PaceExceeded";
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("the pace of writes is reached");
    this.retryAfterMs = retryAfterMs;
  }
}

interface Waiter {
  readonly write: "mint" | "delete";
  grant(): void;
}

/** WritePacer lets writes through at GitHub's pace, removals before registrations, otherwise in order. */
export class WritePacer {
  readonly #clock: Clock;
  readonly #pacing: Pacing;
  /** When each write of the running window was let through, oldest first; never longer than `writes`. */
  #sentAtMs: number[] = [];
  #active = 0;
  #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, pacing: Pacing) {
    this.#clock = clock;
    this.#pacing = pacing;
  }

  /**
   * enter resolves when the write may go out; the returned function must be called once it is over.
   * @throws PaceExceeded when its turn is too far away, or the signal's reason.
   */
  async enter(write: "mint" | "delete", signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const waitMs = this.#windowWaitMs(
      write,
      this.#waiting.filter((waiter) => waiter.write === write || waiter.write === "delete").length,
    );
    if (waitMs > this.#pacing.maxWaitMs) throw new PaceExceeded(waitMs);
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(tooLong);
        signal.removeEventListener("abort", aborted);
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        write,
        grant: () => {
          leave();
          resolve();
        },
      };
      const aborted = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      const tooLong = setTimeout(() => {
        leave();
        reject(new PaceExceeded(Math.max(this.#windowWaitMs(write, 0), 1_000)));
      }, this.#pacing.maxWaitMs);
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(waiter);
      this.#pump();
    });
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#active -= 1;
      this.#pump();
    };
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (;;) {
      const next = this.#waiting.find((waiter) => waiter.write === "delete") ?? this.#waiting[0];
      if (next === undefined) return;
      const { concurrency } = this.#pacing;
      const slots = next.write === "delete" ? concurrency : Math.max(1, concurrency - Math.ceil(concurrency / 5));
      // Whoever is under way pumps again when it leaves.
      if (this.#active >= slots) return;
      const waitMs = this.#windowWaitMs(next.write, 0);
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
        return;
      }
      this.#active += 1;
      this.#sentAtMs.push(this.#clock.now());
      next.grant();
    }
  }

  /** Until the window has room for a write that has `ahead` others before it. */
  #windowWaitMs(write: "mint" | "delete", ahead: number): number {
    const now = this.#clock.now();
    const { writes, windowMs, reservedForDeletes } = this.#pacing;
    this.#sentAtMs = this.#sentAtMs.filter((sentAtMs) => sentAtMs > now - windowMs);
    const room = write === "delete" ? writes : Math.max(1, writes - reservedForDeletes);
    const surplus = this.#sentAtMs.length + ahead + 1 - room;
    if (surplus <= 0) return 0;
    // Beyond what is in the window, whole windows of the queue itself have to pass first.
    const wholeWindows = Math.floor((surplus - 1) / room);
    const freed = this.#sentAtMs[Math.min((surplus - 1) % room, this.#sentAtMs.length - 1)] ?? now;
    return Math.max(freed + windowMs - now, 0) + wholeWindows * windowMs;
  }
}
