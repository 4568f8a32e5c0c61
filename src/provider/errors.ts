/**
 * providerErrorCodes is the closed list of what can go wrong at a provider. The controllers' policy hangs on the code alone:
 *
 * | code | the controller |
 * |---|---|
 * | NotFound | takes the instance as gone |
 * | InsufficientCapacity | tries again after 15 to 60 s, until the launch deadline |
 * | TargetNotReady | tries slowly; a change of the class or target wakes it |
 * | Throttled | backs off, honours retryAfterMs |
 * | Unavailable | backs off; the outcome is unknown, so the same call is repeated |
 * | Unauthorized | tries slowly and warns |
 * | InvalidRequest | waits for a change of the class or target |
 * | Internal | backs off; the cause goes to the log |
 */
export const providerErrorCodes = [
  "NotFound",
  "InsufficientCapacity",
  "TargetNotReady",
  "Throttled",
  "Unavailable",
  "Unauthorized",
  "InvalidRequest",
  "Internal",
] as const;

export type ProviderErrorCode = (typeof providerErrorCodes)[number];

/** Refusal says why one rung of a class' capacity ladder gave no instance. */
export interface Refusal {
  readonly capacity: string;
  /** Machine-readable cause as the backend names it, such as `RESOURCE:CPU`. */
  readonly reason: string;
  readonly message: string;
}

export interface ProviderErrorOptions {
  readonly cause?: unknown;
  /** How long the backend asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The rungs that were tried, with InsufficientCapacity. */
  readonly refusals?: readonly Refusal[];
  /** With Throttled from create(): this call asked the backend for nothing, so it started nothing. What an earlier one did is unchanged. */
  readonly unsent?: boolean;
}

/**
 * ProviderError is the one error that providers throw. Its message is a sentence of ours, at most 300 characters, fit for a
 * condition: it says what to do and holds no secret and no text of an SDK. Ask with isProviderError, never with instanceof: an
 * error may come from another copy of this module or over a wire.
 */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly code: ProviderErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly refusals: readonly Refusal[];
  readonly unsent: boolean;

  constructor(code: ProviderErrorCode, message: string, options: ProviderErrorOptions = {}) {
    super(message.length > 300 ? `${message.slice(0, 297)}...` : message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.refusals = options.refusals ?? [];
    this.unsent = options.unsent ?? false;
  }
}

/** isProviderError tells whether a thrown value is a ProviderError, by shape. */
export function isProviderError(error: unknown): error is ProviderError {
  return error instanceof Error && error.name === "ProviderError" && providerErrorCodes.includes((error as ProviderError).code);
}
