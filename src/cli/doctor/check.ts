/** verdicts from the best to the worst; Skip is for what could not be looked at, with the reason. */
export const verdicts = ["OK", "SKIP", "WARN", "FAIL"] as const;
export type Verdict = (typeof verdicts)[number];

/** Outcome is one line of the report, before it is known where it stands. */
export interface Outcome {
  readonly verdict: Verdict;
  /** What was found, a sentence without its full stop. */
  readonly message: string;
  /** What to do; absent where nothing has to be done. */
  readonly advice?: string;
  /** The object that it speaks of, where that is not the object of the check. */
  readonly object?: string;
}

/** Finding is one line of the report. */
export interface Finding extends Outcome {
  /** As --only names it: githubapp/getabako/acme. */
  readonly object: string;
  readonly check: string;
}

/** Check is one row of a table of checks: `run` looks at a subject and says what it found. */
export interface Check<Subject> {
  readonly name: string;
  /** Names of checks in the same table that have to end without FAIL and SKIP before this one makes sense. */
  readonly needs?: readonly string[];
  /** Throws ApiError, GitHubError or ProviderError where something does not answer: that is a finding, too. */
  readonly run: (subject: Subject, signal: AbortSignal) => Promise<readonly Outcome[]> | readonly Outcome[];
}

export function ok(message: string): Outcome {
  return { verdict: "OK", message };
}

export function skip(message: string, advice?: string): Outcome {
  return { verdict: "SKIP", message, ...(advice !== undefined && { advice }) };
}

export function warn(message: string, advice: string): Outcome {
  return { verdict: "WARN", message, advice };
}

export function fail(message: string, advice: string): Outcome {
  return { verdict: "FAIL", message, advice };
}

/** orOk is what was found, or that nothing was. */
export function orOk(found: readonly Outcome[], message: string): readonly Outcome[] {
  return found.length === 0 ? [ok(message)] : found;
}

/** worst is the worst verdict of some. */
export function worst(findings: readonly { readonly verdict: Verdict }[]): Verdict {
  return findings.reduce<Verdict>((a, { verdict: b }) => (verdicts.indexOf(b) > verdicts.indexOf(a) ? b : a), "OK");
}
