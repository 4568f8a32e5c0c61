/** StepOptions: what follows an essential step makes no sense without it, and counts as failed unseen. */
export interface StepOptions {
  readonly essential?: boolean;
}

/** Detail adds a line below the step that runs. */
export type Detail = (line: string) => void;

/** Story is one run: steps in order, each of them printed with its result and how long it took. */
export class Story {
  readonly #write: (line: string) => void;
  readonly #explain: () => Promise<void>;
  #passed = 0;
  #failed = 0;
  // The essential step that failed.
  #broken: number | undefined;

  /** `explain` shows what helps after a failure, while everything is still as the failed step left it. */
  constructor(write: (line: string) => void, explain: () => Promise<void>) {
    this.#write = write;
    this.#explain = explain;
  }

  get passed(): number {
    return this.#passed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Runs one step. It never rejects. */
  async step(name: string, run: (detail: Detail) => Promise<void>, { essential = false }: StepOptions = {}): Promise<void> {
    const number = this.#passed + this.#failed + 1;
    if (this.#broken !== undefined) {
      this.#failed++;
      this.#write(`FAIL ${number}. ${name}: not run, since step ${this.#broken} failed`);
      return;
    }
    const startedAt = Date.now();
    const seconds = (): string => `${((Date.now() - startedAt) / 1_000).toFixed(1)} s`;
    const details: string[] = [];
    try {
      await run((line) => details.push(line));
      this.#passed++;
      this.#write(`ok   ${number}. ${name} (${seconds()})`);
      this.#indent(details);
    } catch (error) {
      this.#failed++;
      if (essential) this.#broken = number;
      this.#write(`FAIL ${number}. ${name} (${seconds()})`);
      this.#indent([...details, error instanceof Error ? error.message : String(error)]);
      await this.#explain();
    }
  }

  #indent(texts: readonly string[]): void {
    for (const line of texts.flatMap((text) => text.trimEnd().split("\n"))) this.#write(`        ${line}`);
  }
}
