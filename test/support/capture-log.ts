/** LogLine is one parsed line of pino's. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** CapturedLog keeps what a logger wrote; its `destination` goes where pino takes one. */
export interface CapturedLog {
  readonly destination: { write(text: string): void };
  /** Everything as it was written, for searches that must find nothing. */
  readonly text: string;
  /** The lines with this message, or all. */
  lines(message?: string): readonly LogLine[];
  clear(): void;
}

/** captureLog makes an empty one. */
export function captureLog(): CapturedLog {
  let text = "";
  return {
    destination: {
      write(chunk) {
        text += chunk;
      },
    },
    get text() {
      return text;
    },
    lines(message) {
      const all = text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as LogLine);
      return message === undefined ? all : all.filter(({ msg }) => msg === message);
    },
    clear() {
      text = "";
    },
  };
}
