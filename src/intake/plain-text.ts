/**
 * plainText makes a stranger's text fit to be stored and shown: control characters, which terminals obey, become spaces, halves of
 * surrogate pairs become U+FFFD, and what exceeds `max` UTF-16 units is cut off, never through a character.
 */
export function plainText(text: string, max: number): string {
  const clean = text.replace(/\p{Cc}+/gu, " ").toWellFormed();
  if (clean.length <= max) return clean;
  const cut = clean.slice(0, max);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
