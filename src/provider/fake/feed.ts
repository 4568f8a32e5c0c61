import type { Delivery, Feed, Instance } from "../types.ts";

/** FakeFeed is a backend that pushes: what a FakeProvider's instances do, and what a test adds to it, in the order in which it came. */
export class FakeFeed implements Feed {
  readonly key: string;
  readonly address: string;
  /** Deliveries that were not settled yet; those of a reader that went away come again. */
  readonly #waiting: Delivery[] = [];
  #failure: Error | undefined;
  #muted = false;
  #ring: (() => void) | undefined;
  /** How many readers there are now. */
  readers = 0;

  constructor(key = "fake") {
    this.key = key;
    this.address = `https://feeds.example/${key}`;
  }

  async *open(signal: AbortSignal): AsyncGenerator<Delivery, void, undefined> {
    this.readers += 1;
    const wake = (): void => this.#ring?.();
    signal.addEventListener("abort", wake);
    try {
      this.#check();
      yield { instances: [], foreign: 0, unreadable: [] };
      while (!signal.aborted) {
        this.#check();
        const next = this.#waiting[0];
        if (next === undefined) {
          await new Promise<void>((resolve) => (this.#ring = resolve));
          continue;
        }
        yield next;
        if (this.#waiting[0] === next) this.#waiting.shift();
      }
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener("abort", wake);
      this.readers -= 1;
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** tell pushes an observation of an instance, whether it is news or not. */
  tell(instance: Instance): void {
    if (!this.#muted) this.deliver({ instances: [instance], foreign: 0, unreadable: [] });
  }

  /** deliver pushes anything; without an argument, only that the feed works. */
  deliver(delivery: Partial<Delivery> = {}): void {
    this.#waiting.push({ instances: [], foreign: 0, unreadable: [], ...delivery });
    this.#ring?.();
  }

  /** mute loses what instances do from now on, as a rule that was taken away does. */
  mute(): void {
    this.#muted = true;
  }

  /** fail ends the feed with an error, now and whenever it is opened, until mend(). */
  fail(error: Error): void {
    this.#failure = error;
    this.#ring?.();
  }

  mend(): void {
    this.#failure = undefined;
  }

  /** unsettled is how many deliveries the reader has not settled. */
  get unsettled(): number {
    return this.#waiting.length;
  }
}
