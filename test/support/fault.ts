/** Fault is what happens to a request instead of being passed on and answered. */
export type Fault =
  /** Passed on later. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Passed on once the promise has settled: the exact moment is the test's. */
  | { readonly kind: "hold"; readonly until: Promise<unknown> }
  /** The connection is cut, and the API server never hears of it. */
  | { readonly kind: "dropBefore" }
  /** The API server does it, and the connection is cut before the client learns that. */
  | { readonly kind: "dropAfter" }
  /** Answered with a Status object, as the API server would. */
  | { readonly kind: "status"; readonly code: FaultCode; readonly retryAfterSeconds?: number; readonly message?: string }
  /** A watch from too old a version: HTTP 200, then an ERROR event with code 410, as the API server answers after a restart. */
  | { readonly kind: "watchExpired" };

const reasons = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
} as const;

/** FaultCode is a status that a fault can answer with. */
export type FaultCode = keyof typeof reasons;

/** statusObject renders the Status that comes with an error code. */
export function statusObject(fault: { code: FaultCode; retryAfterSeconds?: number; message?: string }): object {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: fault.message ?? `injected ${reasons[fault.code]}`,
    reason: reasons[fault.code],
    ...(fault.retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds: fault.retryAfterSeconds } }),
    code: fault.code,
  };
}

/** watchExpiredEvent renders the event that ends a watch whose version is gone. */
export function watchExpiredEvent(): object {
  return { type: "ERROR", object: statusObject({ code: 410, message: "too old resource version: 1 (2)" }) };
}
