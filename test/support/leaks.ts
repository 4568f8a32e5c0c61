/** Text is something that people may read, under the name by which a report calls it. */
export interface Text {
  readonly where: string;
  readonly text: string;
}

/** Short pieces would be found anywhere. */
const shortest = 12;

/**
 * findLeaks names the texts that hold one of the secrets, or a line of one: a PEM key may be quoted, escaped or cut to pieces, and its
 * lines still give it away. It never returns a secret.
 */
export function findLeaks(secrets: readonly string[], texts: readonly Text[]): string[] {
  const pieces = new Set<string>();
  for (const secret of secrets) {
    for (const piece of [secret, ...secret.split("\n"), Buffer.from(secret).toString("base64")]) {
      const clean = piece.trim();
      if (clean.length >= shortest && !clean.startsWith("-----")) pieces.add(clean);
    }
  }
  return texts.filter(({ text }) => [...pieces].some((piece) => text.includes(piece))).map(({ where }) => where);
}
