/**
 * ViolationKind sorts what was wrong with a request:
 *
 * | kind | meaning |
 * |---|---|
 * | schema | not what the service's model describes: missing, unknown or mistyped members |
 * | limit | breaks a documented limit or rule that the caller could have checked by itself |
 * | reference | names something that does not exist in this account: a subnet, a provider, a container |
 * | unsupported | an operation or option that exists at AWS and not in the simulator |
 * | reply | the simulator's own answer did not fit the model: a bug of the simulator |
 */
export type ViolationKind = "schema" | "limit" | "reference" | "unsupported" | "reply";

/** ApiError is an answer other than 200; `violation` says that the request should never have been sent. */
export class ApiError extends Error {
  readonly type: string;
  readonly status: number;
  /** Members of the error shape besides the message, such as `resourceIds`. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly violation: ViolationKind | undefined;

  constructor(
    type: string,
    message: string,
    options: {
      readonly status?: number;
      readonly fields?: Readonly<Record<string, unknown>>;
      readonly violation?: ViolationKind;
    } = {},
  ) {
    super(message);
    this.type = type;
    this.status = options.status ?? 400;
    this.fields = options.fields ?? {};
    this.violation = options.violation;
  }
}

/** invalidParameter is AWS' answer to a request that breaks a documented rule. */
export function invalidParameter(message: string, violation: ViolationKind = "limit"): ApiError {
  return new ApiError("InvalidParameterException", message, { violation });
}

/** clientException is AWS' generic refusal; without a violation it depends on the account's state alone. */
export function clientException(message: string, violation?: ViolationKind): ApiError {
  return new ApiError("ClientException", message, violation === undefined ? {} : { violation });
}
