import { isGitHubError, GitHubError } from "./errors.ts";
import { type Operation, traitsOf } from "./operations.ts";
import { scrubCause } from "./redact.ts";

/**
 * wholeNumber takes an id or count from an answer; what else may stand there is a TypeError, not a NaN that travels on, nor an id beyond
 * 2^53 that was rounded to somebody else's.
 */
export function wholeNumber(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new TypeError("a whole number is missing");
  return value;
}

/** idText takes an id that may go beyond 2^53: Octokit reads those, and no others, as bigint, whatever its types say. */
export function idText(value: unknown): string {
  return typeof value === "bigint" ? value.toString() : String(wholeNumber(value));
}

/** text takes a text from an answer. */
export function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a text is missing");
  return value;
}

/** list takes a list from an answer. */
export function list<T>(value: readonly T[] | undefined): readonly T[] {
  if (!Array.isArray(value)) throw new TypeError("a list is missing");
  return value;
}

/**
 * readable keeps the promise that only GitHubErrors are thrown: a proxy's or a broken server's answer can have status 200 and any
 * form, and reading it fails with a TypeError.
 */
export async function readable<T>(operation: Operation, signal: AbortSignal, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (isGitHubError(error) || signal.aborted) throw error;
    const message = `GitHub's answer to the request to ${traitsOf(operation).does} cannot be read; is spec.url the address of a GitHub?`;
    throw new GitHubError("Unavailable", message, { cause: scrubCause(error) });
  }
}
