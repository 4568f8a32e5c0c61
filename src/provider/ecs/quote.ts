/**
 * quote makes a text of AWS fit to stand in a sentence of ours: one line, cut, and without anything long enough to be a credential
 * or a part of a JIT configuration. AWS echoes request fields in some messages, proxies echo whole requests.
 */
export function quote(text: string | undefined, maxLength = 120): string {
  const line = (text ?? "")
    .replace(/[\s\p{C}]+/gu, " ")
    .replace(/[A-Za-z0-9+/=_-]{64,}/g, "[cut]")
    .trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 3).trimEnd()}...` : line;
}
