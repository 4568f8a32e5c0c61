import { quote } from "./quote.ts";

/** The fields of an SDK error that we look at. */
interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string; readonly attempts?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  readonly resourceIds?: unknown;
}

/**
 * AwsError is what we keep of an error of the AWS SDK, as the cause of a ProviderError. The original is dropped on purpose: its
 * message can hold signed headers or parts of the request, and its fields reach the log of whoever prints causes.
 */
export class AwsError extends Error {
  /** The exception's name at AWS (`ClusterNotFoundException`), or that of the failure below it (`ECONNRESET`). */
  override readonly name: string;
  /** Our word for it, from the table in errors.ts. */
  readonly reason: string;
  readonly operation: string;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
  readonly attempts: number | undefined;
  /** The tasks that a ConflictException names. */
  readonly resourceIds: readonly string[];

  constructor(facts: AwsFacts, operation: string, reason: string) {
    super(facts.text);
    this.name = facts.name;
    this.reason = reason;
    this.operation = operation;
    this.httpStatus = facts.httpStatus;
    this.requestId = facts.requestId;
    this.attempts = facts.attempts;
    this.resourceIds = facts.resourceIds;
  }
}

/** AwsFacts are the safe facts of a thrown value. */
export interface AwsFacts {
  readonly name: string;
  /** The message, quoted: safe to show. Empty where AWS is known to put headers into it. */
  readonly text: string;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
  readonly attempts: number | undefined;
  readonly resourceIds: readonly string[];
  readonly retryAfterMs: number | undefined;
}

/** Signature errors quote the canonical request, session token header included. */
const withheld = /signature/i;

/** awsFacts reads what was thrown by the SDK, by the network below it or by a proxy in between. */
export function awsFacts(thrown: unknown): AwsFacts {
  const error = (typeof thrown === "object" && thrown !== null ? thrown : {}) as SdkError;
  const name = typeof error.name === "string" ? error.name : "Error";
  const code = networkCode(error);
  const metadata = error.$metadata;
  return {
    // A bare Error of Node's sockets says what it is in its code only.
    name: code !== undefined && (name === "Error" || name === "AggregateError" || name === "TimeoutError") ? code : name,
    text: withheld.test(name) || typeof error.message !== "string" ? "" : quote(error.message, 200),
    httpStatus: metadata?.httpStatusCode,
    requestId: metadata?.requestId,
    attempts: metadata?.attempts,
    resourceIds: Array.isArray(error.resourceIds) ? error.resourceIds.filter((id) => typeof id === "string") : [],
    retryAfterMs: retryAfterMs(error.$response?.headers?.["retry-after"]),
  };
}

function networkCode(error: SdkError): string | undefined {
  return typeof error.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(error.code) ? error.code : undefined;
}

function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^[0-9]{1,5}$/.test(header) ? Number(header) * 1_000 : undefined;
}
