/**
 * globMatches tells whether a repository (owner/name) fits a glob, where * is any run of characters but slashes and case is ignored.
 * It walks both texts instead of compiling a regular expression: a glob with many stars, which anybody who may write a RunnerTarget
 * can make, would let one backtrack for minutes.
 */
export function globMatches(glob: string, repository: string): boolean {
  const patterns = glob.toLowerCase().split("/");
  const segments = repository.toLowerCase().split("/");
  return (
    patterns.length === segments.length && patterns.every((pattern, index) => matchesPattern(pattern, segments[index] ?? ""))
  );
}

/** matchesPattern tells whether a text fits a pattern, where * is any run of characters; case counts. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let p = 0;
  // Where the last star was, and how far it reaches: on a mismatch it takes one more character.
  let star = -1;
  let reach = 0;
  while (at < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      reach = at;
    } else if (p < pattern.length && pattern[p] === text[at]) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++reach;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
