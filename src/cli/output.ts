/** Output is where a command prints: results to `out`, everything else to `err`. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is a terminal, where a line may be written over. */
  readonly live: boolean;
  /** Whether `out` may have colours. */
  readonly colours: boolean;
}

/** processOutput is the output of this process. */
export function processOutput(): Output {
  // `getabako doctor | head` closes the pipe: that is no error of ours, and nobody reads on.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    live: process.stderr.isTTY,
    colours: process.stdout.isTTY && !process.env["NO_COLOR"],
  };
}

/** columns lays rows out in columns of equal width; the last one is as long as it is. */
export function columns(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) row.slice(0, -1).forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows
    .map((row) => {
      const line = row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  ");
      return `${indent}${line.trimEnd()}\n`;
    })
    .join("");
}

/** toJson is a value as the output of `--output json`. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/**
 * plain makes a text of somebody else's fit for a terminal: one line, without control characters, which could move the cursor and paint
 * over what is there.
 */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}
