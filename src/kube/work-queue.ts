import { clampDelay } from "./abort.ts";
import type { KubeMetrics, QueueMetrics } from "./metrics.ts";

/** WorkQueueOptions name the queue and set its rates; the defaults are controller-runtime's. */
export interface WorkQueueOptions {
  readonly name: string;
  readonly metrics: KubeMetrics;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
  readonly ratePerSecond?: number;
  readonly burst?: number;
}

/**
 * WorkQueue hands out keys: each at most once at a time, however often it was added, and once more if it was added
 * while somebody worked on it. A key waits at most once: to be added earlier replaces a later appointment.
 */
export class WorkQueue {
  /** Keys that may be handed out, with the time they were added, in order. A key is here or in #later, never in both. */
  readonly #ready = new Map<string, number>();
  /** Order of #ready for the keys that are not in work. Entries before #head were handed out. */
  #order: string[] = [];
  #head = 0;
  /** Appointments: when a key is to become ready. */
  readonly #later = new Map<string, { readonly atMs: number; readonly timer: NodeJS.Timeout }>();
  /** Keys in work, with the time they were handed out. A key in here and in #ready is handed out again after done(). */
  readonly #working = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #waiters: ((key: string | undefined) => void)[] = [];
  readonly #metrics: QueueMetrics;
  readonly #minBackoffMs: number;
  readonly #maxBackoffMs: number;
  readonly #bucket: TokenBucket;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#minBackoffMs = options.minBackoffMs ?? 5;
    this.#maxBackoffMs = options.maxBackoffMs ?? 1_000_000;
    this.#bucket = new TokenBucket(options.ratePerSecond ?? 10, options.burst ?? 100);
    this.#metrics = options.metrics.forQueue(options.name, {
      unfinishedSeconds: () => this.#workSeconds().reduce((sum, seconds) => sum + seconds, 0),
      longestSeconds: () => Math.max(0, ...this.#workSeconds()),
    });
  }

  /** depth is how many keys wait for a worker, appointments aside. */
  get depth(): number {
    return this.#ready.size;
  }

  /** add makes a key ready now. */
  add(key: string): void {
    if (this.#closed || this.#ready.has(key)) return;
    this.#cancel(key);
    this.#ready.set(key, performance.now());
    this.#metrics.added();
    this.#metrics.depth(this.#ready.size);
    // A key in work keeps its place in #ready alone; done() puts it in line.
    if (!this.#working.has(key)) this.#line(key);
  }

  /** addAfter makes a key ready in some milliseconds, unless it is ready, or due, before that. */
  addAfter(key: string, ms: number): void {
    if (this.#closed || this.#ready.has(key)) return;
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const delayMs = clampDelay(ms);
    const atMs = performance.now() + delayMs;
    const appointment = this.#later.get(key);
    if (appointment !== undefined && appointment.atMs <= atMs) return;
    this.#cancel(key);
    const timer = setTimeout(() => {
      this.#later.delete(key);
      this.add(key);
    }, delayMs);
    // What keeps a process alive is its watches; an appointment alone must not keep a tool or a test from ending.
    timer.unref();
    this.#later.set(key, { atMs, timer });
  }

  /** addRateLimited adds a key after a failure: the key's own backoff, or the common bucket where that is slower. */
  addRateLimited(key: string): void {
    if (this.#closed) return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.retried();
    // Added meanwhile for a reason of its own: it runs at once, and needs no token to do so.
    if (this.#ready.has(key)) return;
    // From 2^60 on the product would leave the range of whole numbers long after it has left that of sensible delays.
    const backoffMs = Math.min(this.#minBackoffMs * 2 ** Math.min(failures, 60), this.#maxBackoffMs);
    this.addAfter(key, Math.max(backoffMs, this.#bucket.reserve()));
  }

  /** forget starts a key's backoff anew. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** failures is how often a key was rate limited since it was forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** get waits for a key and hands it out; undefined once the signal aborts or the queue is shut down. */
  get(signal: AbortSignal): Promise<string | undefined> {
    if (this.#closed || signal.aborted) return Promise.resolve(undefined);
    const key = this.#take();
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => {
      const settle = (given: string | undefined): void => {
        signal.removeEventListener("abort", onAbort);
        resolve(given);
      };
      const onAbort = (): void => {
        const index = this.#waiters.indexOf(settle);
        if (index >= 0) this.#waiters.splice(index, 1);
        settle(undefined);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(settle);
    });
  }

  /** done says that work on a key has ended; if it was added meanwhile it is handed out again. */
  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#metrics.worked((performance.now() - since) / 1_000);
    if (this.#ready.has(key)) this.#line(key);
  }

  /** shutDown ends all waiting: nothing is handed out or taken in any more. */
  shutDown(): void {
    this.#closed = true;
    for (const { timer } of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    for (const waiter of this.#waiters.splice(0)) waiter(undefined);
  }

  #line(key: string): void {
    this.#order.push(key);
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter(this.#take());
  }

  #take(): string | undefined {
    const key = this.#order[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    // Dropping the front entry by entry would move all the others each time.
    if (this.#head > 1_024 && this.#head * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#order.length) {
      this.#order.length = 0;
      this.#head = 0;
    }
    const now = performance.now();
    this.#metrics.waited((now - (this.#ready.get(key) ?? now)) / 1_000);
    this.#ready.delete(key);
    this.#metrics.depth(this.#ready.size);
    this.#working.set(key, now);
    return key;
  }

  #cancel(key: string): void {
    const appointment = this.#later.get(key);
    if (appointment === undefined) return;
    clearTimeout(appointment.timer);
    this.#later.delete(key);
  }

  #workSeconds(): number[] {
    const now = performance.now();
    return [...this.#working.values()].map((since) => (now - since) / 1_000);
  }
}

/** TokenBucket spreads what exceeds a burst: reserve() takes a token and says how long to wait for it. */
class TokenBucket {
  readonly #ratePerMs: number;
  readonly #burst: number;
  /** Below zero: promised to callers who wait. */
  #tokens: number;
  #filledAt = performance.now();

  constructor(ratePerSecond: number, burst: number) {
    this.#ratePerMs = ratePerSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  reserve(): number {
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#ratePerMs) - 1;
    this.#filledAt = now;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#ratePerMs;
  }
}
