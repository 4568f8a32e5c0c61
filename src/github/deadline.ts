import { GitHubError, isGitHubError } from "./errors.ts";
import { type Operation, traitsOf } from "./operations.ts";

/**
 * withDeadline runs a call under a time limit of its own.
 * @throws GitHubError Unavailable when the limit passed, the signal's reason when the caller gave up.
 */
export async function withDeadline<T>(
  operation: Operation,
  ms: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limit = AbortSignal.timeout(ms);
  try {
    return await run(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    // Not only the limit's own TimeoutError: timers reject with an AbortError around it.
    if (limit.aborted && !isGitHubError(error)) {
      throw new GitHubError(
        "Unavailable",
        `GitHub did not ${traitsOf(operation).does} within ${ms / 1_000} s; the outcome is unknown`,
      );
    }
    throw error;
  }
}

/** abortable waits for a promise that is shared with others until the signal says otherwise; the shared work goes on. */
export async function abortable<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody may be left to hear of a failure once the signal has spoken.
  shared.catch(() => undefined);
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([shared, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
