/** What differs from run to run; in a document it stands for any of its like. Order matters: what is found first is not looked at again. */
const alike: readonly (readonly [pattern: RegExp, word: string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "UUID"],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g, "MOMENT"],
  [/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, "ADDRESS"],
  [/\bv?\d+\.\d+\.\d+\b/g, "VERSION"],
  [/\b[0-9a-f]{32}\b/g, "ID"],
  // Long numbers are ids of GitHub's. The pods of a Deployment have a hash and five letters behind its name.
  [/\d{6,}/g, "NUMBER"],
  [/\b[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "POD"],
  [/\b(\d+(ms|[smhd]))+\b/g, "AGE"],
  [/\s+/g, " "],
];

/** settled is a line without what differs from run to run. */
export function settled(line: string): string {
  return alike.reduce((text, [pattern, word]) => text.replaceAll(pattern, word), line).trim();
}

/** missingFrom gives the first expected line that does not follow, with any lines between, in what was printed; undefined if all do. */
export function missingFrom(printed: string, expected: readonly string[]): string | undefined {
  const lines = printed.split("\n").map(settled);
  let from = 0;
  for (const one of expected) {
    const wanted = settled(one);
    const at = lines.findIndex((line, index) => index >= from && matches(line, wanted));
    if (at === -1) return one;
    from = at + 1;
  }
  return undefined;
}

/** "..." at the end of a wanted line, or at its beginning, stands for anything. */
function matches(line: string, wanted: string): boolean {
  const [start, end] = [wanted.startsWith("..."), wanted.endsWith("...")];
  const words = wanted.replace(/^\.\.\.\s*/, "").replace(/\s*\.\.\.$/, "");
  if (start && end) return line.includes(words);
  if (start) return line.endsWith(words);
  return end ? line.startsWith(words) : line === words;
}
