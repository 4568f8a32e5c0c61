/** ApiErrorInit is what an ApiError is made of. */
export interface ApiErrorInit {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** ApiError is a refusal by the API server, or (status 0, reason "Unavailable") no answer from it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** A metav1.StatusReason: NotFound, AlreadyExists, Conflict, Invalid, Forbidden, Expired, TooManyRequests, Unavailable, ... */
  readonly reason: string;
  /** How long the server asked us to wait. */
  readonly retryAfterMs?: number;

  constructor(message: string, init: ApiErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = init.status;
    this.reason = init.reason;
    if (init.retryAfterMs !== undefined) this.retryAfterMs = init.retryAfterMs;
  }
}

/** isApiError is whether something thrown is an ApiError, of one reason where one is given. */
export function isApiError(error: unknown, reason?: string): error is ApiError {
  return error instanceof Error && error.name === "ApiError" && (reason === undefined || (error as ApiError).reason === reason);
}

const reasonOfStatus: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
};

// Several words for one fact: "Gone" is how servers before 1.17 said Expired, and all of the others mean that the
// server, or what stands before it, cannot answer now.
const sameReason: Readonly<Record<string, string>> = {
  Gone: "Expired",
  ServiceUnavailable: "Unavailable",
  Timeout: "Unavailable",
  ServerTimeout: "Unavailable",
};

// Reasons about what we sent or may do: there the server's own sentence is the only help. It names fields, verbs and
// users; a kind whose content is secret must not have it quoted.
const quotedReasons = new Set(["BadRequest", "Invalid", "Forbidden", "MethodNotAllowed", "UnsupportedMediaType"]);

/** Refused is the part of a response that an ApiError is read from. */
export interface Refused {
  readonly status: number;
  readonly retryAfter?: string | undefined;
  /** The decoded body, a metav1.Status if it came from the API server itself. */
  readonly body: unknown;
  /** What was asked for: "patch widgets a/b". */
  readonly doing: string;
  /** Whether the server's message may be part of ours. */
  readonly quote: boolean;
}

/** refusal makes the ApiError for a response that is not a success. */
export function refusal(response: Refused): ApiError {
  const status = statusOf(response.body);
  const code = response.status;
  const given = status.reason === undefined || status.reason === "" ? undefined : status.reason;
  const plain = given ?? reasonOfStatus[code] ?? (code >= 500 ? "Unavailable" : "Unknown");
  const reason = sameReason[plain] ?? plain;
  const seconds = Number(response.retryAfter ?? status.details?.retryAfterSeconds ?? Number.NaN);
  const said =
    response.quote && quotedReasons.has(reason) && typeof status.message === "string" ? `: ${cut(status.message)}` : "";
  return new ApiError(`${response.doing}: ${reason} (${code})${said}`, {
    status: code,
    reason,
    ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1_000 } : {}),
  });
}

/** outdated makes the ApiError for a write that would be refused, since its base is known to be no more what is stored: it is not sent. */
export function outdated(doing: string): ApiError {
  return new ApiError(`${doing}: Conflict: a newer version is known`, { status: 409, reason: "Conflict" });
}

/** unreachable makes the ApiError for a request that got no answer. */
export function unreachable(doing: string, why: string, cause?: unknown): ApiError {
  return new ApiError(`${doing}: no answer from the API server: ${why}`, { status: 0, reason: "Unavailable", cause });
}

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

function statusOf(body: unknown): Status {
  return typeof body === "object" && body !== null && (body as { kind?: unknown }).kind === "Status" ? body : {};
}

/** An object that is refused is quoted whole, and why stands behind it: so the middle goes. */
function cut(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 120).toWellFormed()}…${text.slice(-179).toWellFormed()}`;
}
