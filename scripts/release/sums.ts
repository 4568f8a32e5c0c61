import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Sum is a line of SHA256SUMS. */
export interface Sum {
  readonly file: string;
  readonly sha256: string;
}

/** sumsIn reads the SHA256SUMS of a folder of artifacts. */
export async function sumsIn(directory: string): Promise<Sum[]> {
  const text = await readFile(join(directory, "SHA256SUMS"), "utf8");
  const sums = text.split("\n").flatMap((line) => {
    const [sha256, file] = line.split("  ");
    return sha256 === undefined || file === undefined ? [] : [{ sha256, file }];
  });
  // Nothing is the same as nothing, which proves nothing.
  if (sums.length === 0) throw new Error(`${directory} has no sums`);
  return sums;
}

/** differences are the files that only one of two builds has, or that both have with other bytes. */
export function differences(one: readonly Sum[], two: readonly Sum[]): string[] {
  const [first, second] = [one, two].map((sums) => new Map(sums.map(({ file, sha256 }) => [file, sha256])));
  const files = new Set([...one, ...two].map(({ file }) => file));
  return [...files]
    .filter((file) => first?.get(file) !== second?.get(file))
    .map((file) => `${file}: ${first?.get(file) ?? "missing"} and ${second?.get(file) ?? "missing"}`);
}
