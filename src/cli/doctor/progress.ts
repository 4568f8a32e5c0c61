import type { Output } from "../output.ts";
import type { Planned } from "./run-checks.ts";

const sayEveryMs = 5_000;

/** Progress says on the error output how far the checks are: one line that is written over in a terminal, else one every five seconds. */
export class Progress {
  readonly #output: Output;
  #saidAt = performance.now();
  /** Whether the terminal's last line is ours, and has to go before anything else is printed. */
  #shown = false;

  constructor(output: Output) {
    this.#output = output;
  }

  tell(done: number, of: number, running: readonly Planned[]): void {
    const [first] = running;
    const waits = first === undefined ? "" : `, looking at ${first.object} (${first.name})`;
    const text = `${done} of ${of} checks${waits}`;
    if (this.#output.live) {
      this.#output.err(`\r\u001b[K${text.slice(0, 100)}`);
      this.#shown = true;
      return;
    }
    const now = performance.now();
    if (now - this.#saidAt < sayEveryMs) return;
    this.#saidAt = now;
    this.#output.err(`[getabako] ${text}\n`);
  }

  /** clear takes the line away. */
  clear(): void {
    if (this.#shown) this.#output.err("\r\u001b[K");
    this.#shown = false;
  }
}
