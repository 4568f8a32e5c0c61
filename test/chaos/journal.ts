/** Sources are who tells of something, in the width of the printed column. */
export type Source = "script" | "fault" | "github" | "webhook" | "ecs" | "request" | "operator" | "harness";

/** Line is one thing that happened, in words; what it concerns stands in the words by its id or name. */
export interface Line {
  readonly at: number;
  readonly source: Source;
  readonly text: string;
}

/** Journal keeps what happened in a run, from every side, for the story of a job that went wrong. */
export class Journal {
  /** Zero of all times that are shown. */
  startedAt: number;
  readonly #lines: Line[] = [];

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  note(source: Source, text: string, at = Date.now()): void {
    this.#lines.push({ at, source, text });
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /**
   * about gives the lines that name one of the words, and every fault, in the order of time. Request, runner and task are named after
   * the job that they were made for, so a job's id finds nearly all of its story; faults explain the rest.
   */
  about(words: readonly string[], more: readonly Line[] = []): Line[] {
    return [...this.#lines, ...more]
      .filter(({ source, text }) => source === "fault" || words.some((word) => text.includes(word)))
      .toSorted((a, b) => a.at - b.at);
  }

  render(lines: readonly Line[]): string {
    return lines
      .map(({ at, source, text }) => `${((at - this.startedAt) / 1_000).toFixed(3).padStart(8)} s  ${source.padEnd(8)}  ${text}`)
      .join("\n");
  }
}

/** operatorLines reads an operator's log as lines of the journal; what is no JSON (a crash of Node) keeps the time of the line before. */
export function operatorLines(operator: string, log: readonly string[]): Line[] {
  let at = 0;
  return log.map((text) => {
    const time = /"time":"?([^",}]+)/.exec(text)?.[1];
    const parsed = time === undefined ? Number.NaN : /^\d+$/.test(time) ? Number(time) : Date.parse(time);
    if (!Number.isNaN(parsed)) at = parsed;
    return { at, source: "operator" as const, text: `${operator} ${text}` };
  });
}
