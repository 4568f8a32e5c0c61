/** An hour is short of setTimeout's limit; a loop without anything to do simply looks around once an hour. */
const longestMs = 3_600_000;

/** Alarm lets a loop sleep until a moment, a ring or the end of the process, whichever comes first. */
export class Alarm {
  #ring: (() => void) | undefined;

  /** sleep waits for `ms`, less when somebody rings or the signal aborts; not at all when the moment has passed. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#ring = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, longestMs));
      signal.addEventListener("abort", done, { once: true });
      this.#ring = done;
    });
  }

  /** ring ends the sleep that is going on, if one is. */
  ring(): void {
    this.#ring?.();
  }
}
