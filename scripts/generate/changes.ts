import type { GeneratedFile } from "./generated-file.ts";

/** Change is a generated file that is not what it should be; without content it should not be there. */
export interface Change {
  readonly path: string;
  readonly content?: string;
  /** Some of the lines that differ, for people. */
  readonly summary: string;
}

const shownLines = 6;

/** changes compares what is there with what should be. */
export function changes(current: ReadonlyMap<string, string>, wanted: readonly GeneratedFile[]): Change[] {
  const known = new Set(wanted.map(({ path }) => path));
  const strays = [...current.keys()].filter((path) => !known.has(path));
  return [
    ...wanted.flatMap(({ path, content }) => {
      const present = current.get(path);
      if (present === content) return [];
      return [{ path, content, summary: present === undefined ? "  missing" : differingLines(present, content) }];
    }),
    ...strays.map((path) => ({ path, summary: "  nothing generates this file" })),
  ];
}

/** differingLines shows lines that only one of the texts has; enough to recognise which change was not generated. */
function differingLines(present: string, wanted: string): string {
  const before = present.split("\n");
  const after = wanted.split("\n");
  const first = before.findIndex((line, index) => line !== after[index]);
  const lines = [...surplus(before, after).map((line) => `  - ${line}`), ...surplus(after, before).map((line) => `  + ${line}`)];
  const rest = lines.length - shownLines;
  return [
    `  from line ${(first === -1 ? before.length : first) + 1}:`,
    ...lines.slice(0, shownLines),
    ...(rest > 0 ? [`  ... and ${rest} more lines`] : []),
  ].join("\n");
}

/** surplus are the lines that occur in one list more often than in the other. */
function surplus(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
