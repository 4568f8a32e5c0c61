/** BrokerError is an error of one of the two services that a runner talks to, in their own shape. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** ListenerErrorKind is what the broker tells a listener, which decides on it alone. */
export type ListenerErrorKind =
  | "RunnerNotFound"
  | "RunnerVersionTooOld"
  | "RunnerSessionInvalid"
  | "SessionConflict"
  | "AcknowledgeJobNotFound";

/** listenerError is an error of the broker. */
export function listenerError(status: number, errorKind: ListenerErrorKind, errorMessage: string): BrokerError {
  return new BrokerError(status, { source: "actions-broker-listener", errorKind, statusCode: status, errorMessage });
}

/** runServiceError is an error of the run service. */
export function runServiceError(status: number, errorMessage: string): BrokerError {
  return new BrokerError(status, { source: "actions-run-service", statusCode: status, errorMessage });
}

/** unauthorized is what both services answer to a missing or worthless token. */
export function unauthorized(): BrokerError {
  return new BrokerError(401, { message: "Unauthorized" });
}
