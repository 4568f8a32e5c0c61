/**
 * githubErrorCodes is the closed list of what can go wrong at GitHub.
 *
 * | code | GitHub's answer |
 * |---|---|
 * | NotFound | 404 after the installation was looked up again: scope, group or repository unknown, or not given to the App |
 * | NameTaken | 409 on a registration |
 * | Unauthorized | 401: the App's key or the clock is wrong |
 * | Forbidden | 403 that is no rate limit: a permission is missing |
 * | RateLimited | 403 or 429 of a primary or secondary limit; retryAfterMs says how long to wait |
 * | Invalid | 422 and other 4xx: the request will never work as it is |
 * | Unavailable | 5xx, network errors, our deadline: the outcome is unknown |
 */
export const githubErrorCodes = [
  "NotFound",
  "NameTaken",
  "Unauthorized",
  "Forbidden",
  "RateLimited",
  "Invalid",
  "Unavailable",
] as const;

export type GitHubErrorCode = (typeof githubErrorCodes)[number];

/** GitHubError is the one error that the GitHub client throws. Its message is a sentence of ours, without any secret, at most 300 characters. */
export class GitHubError extends Error {
  override readonly name = "GitHubError";
  readonly code: GitHubErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;

  constructor(code: GitHubErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number; status?: number } = {}) {
    super(message.length > 300 ? `${message.slice(0, 297)}...` : message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
  }
}

/** isGitHubError tells whether a thrown value is a GitHubError, by shape. */
export function isGitHubError(error: unknown): error is GitHubError {
  return error instanceof Error && error.name === "GitHubError" && githubErrorCodes.includes((error as GitHubError).code);
}
