/** sleep waits for some milliseconds, or less when a signal aborts; it says whether the time passed in full. */
export function sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (passed: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(passed);
    };
    const onAbort = (): void => done(false);
    const timer = setTimeout(() => done(true), clampDelay(ms));
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** clampDelay keeps a delay where setTimeout honours it: beyond 2^31-1 ms it would fire at once, as it would for NaN. */
export function clampDelay(ms: number): number {
  if (Number.isNaN(ms)) return 0;
  return Math.min(Math.max(ms, 0), 2 ** 31 - 1);
}

/** aborted settles when the signal aborts; `dispose` takes the listener off again. */
export function aborted(signal: AbortSignal): { readonly promise: Promise<void>; dispose(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = (): void => resolve();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", onAbort, { once: true });
  return { promise, dispose: () => signal.removeEventListener("abort", onAbort) };
}

/**
 * Deadline is a signal that aborts after some milliseconds or with its parent, and that leaves nothing behind once
 * disposed: AbortSignal.any on a signal that lives as long as the process would keep a timer alive per call.
 */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout;
  readonly #parent: AbortSignal | undefined;
  #passed = false;

  constructor(ms: number, parent?: AbortSignal) {
    this.signal = this.#controller.signal;
    this.#parent = parent;
    this.#timer = this.#start(ms);
    if (parent?.aborted === true) this.#onAbort();
    else parent?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether the time ran out, as opposed to the parent being aborted. */
  get passed(): boolean {
    return this.#passed;
  }

  /** restart counts the same time again, from now. */
  restart(): void {
    this.#timer.refresh();
  }

  /** extend sets another time, from now. */
  extend(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(ms);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener("abort", this.#onAbort);
  }

  #start(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#passed = true;
      this.#controller.abort(new DOMException(`no result within ${Math.round(ms)} ms`, "TimeoutError"));
    }, clampDelay(ms));
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#parent?.reason);
}
