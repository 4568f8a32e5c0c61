/** Output is where the demo writes; a terminal is told apart by `isTTY`. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How often a reader of a log file hears from the demo. */
const plainEveryMs = 2_000;

/**
 * Screen shows lines that stay, and below them a status that changes: in place on a terminal, as one line every two seconds anywhere
 * else.
 */
export class Screen {
  readonly #output: Output;
  readonly #now: () => number;
  // The status lines that stand below the last line that stays; they are written over.
  #shown: readonly string[] = [];
  #plainAt = 0;

  constructor(output: Output, now: () => number = Date.now) {
    this.#output = output;
    this.#now = now;
  }

  /** say writes lines that stay. */
  say(text = ""): void {
    this.#erase();
    this.#output.write(`${text}\n`);
    this.#draw();
  }

  /** status replaces the status. */
  status(lines: readonly string[]): void {
    if (this.#output.isTTY !== true) {
      if (this.#now() - this.#plainAt < plainEveryMs) return;
      this.#plainAt = this.#now();
      this.#output.write(`${lines.map((line) => line.trim()).join("; ")}\n`);
      return;
    }
    this.#erase();
    this.#shown = lines.map((line) => line.slice(0, (this.#output.columns ?? 120) - 1));
    this.#draw();
  }

  /** settle leaves the last status where it is, and what follows goes below it. */
  settle(): void {
    this.#shown = [];
  }

  /** conclude leaves the last status where it is and writes a line below it. */
  conclude(text: string): void {
    this.settle();
    this.say(text);
  }

  #erase(): void {
    if (this.#shown.length > 0) this.#output.write(`\u001b[${this.#shown.length}A\u001b[0J`);
  }

  #draw(): void {
    if (this.#shown.length > 0) this.#output.write(`${this.#shown.join("\n")}\n`);
  }
}
