import type { Journal, Source } from "./journal.ts";

/** Undos ends faults that last for a while: each at its time, and all that are left when the script ends. */
export class Undos {
  readonly #journal: Journal;
  readonly #waiting = new Set<{ readonly timer: NodeJS.Timeout; readonly run: () => Promise<void> }>();
  readonly #running = new Set<Promise<void>>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  after(ms: number, what: string, undo: () => Promise<unknown> | void, source: Source = "fault"): void {
    const run = async (): Promise<void> => {
      await undo();
      this.#journal.note(source, source === "fault" ? `over: ${what}` : what);
    };
    const entry = { run, timer: setTimeout(() => this.#start(entry), ms) };
    this.#waiting.add(entry);
  }

  /** Ends all that still last, the newest first, and waits for those that are being ended. */
  async all(): Promise<void> {
    for (const entry of [...this.#waiting].toReversed()) {
      clearTimeout(entry.timer);
      this.#start(entry);
    }
    await Promise.all(this.#running);
  }

  #start(entry: { readonly timer: NodeJS.Timeout; readonly run: () => Promise<void> }): void {
    this.#waiting.delete(entry);
    const running = entry
      .run()
      .catch((error: unknown) => this.#journal.note("harness", `a fault could not be ended: ${String(error)}`))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
