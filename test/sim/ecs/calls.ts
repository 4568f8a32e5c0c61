/** CallRecord is one request as the simulator saw it. */
export interface CallRecord {
  readonly number: number;
  /** Milliseconds since the epoch, on the simulator's clock. */
  readonly at: number;
  readonly operation: string;
  readonly accessKeyId: string;
  /** Which try of the SDK's own it was, from 1. */
  readonly sdkAttempt: number;
  /** The request; values of environment variables are replaced by their length, unless secrets are asked for. */
  request: Readonly<Record<string, unknown>>;
  /** `pending`, `ok`, `failures` (a 200 with failures), the error's type, or `cut`, `hang`, `html`. */
  outcome: string;
}

const keep = 20_000;

/** Calls is the log of requests with counters per operation. */
export class Calls {
  readonly #keepSecrets: boolean;
  readonly #records: CallRecord[] = [];
  readonly #counts = new Map<string, number>();
  #number = 0;

  constructor(keepSecrets: boolean) {
    this.#keepSecrets = keepSecrets;
  }

  begin(at: number, operation: string, accessKeyId: string, sdkAttempt: number): CallRecord {
    this.#number += 1;
    const record: CallRecord = { number: this.#number, at, operation, accessKeyId, sdkAttempt, request: {}, outcome: "pending" };
    this.#records.push(record);
    if (this.#records.length > keep) {
      this.#records.shift();
    }
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    return record;
  }

  setRequest(record: CallRecord, request: Readonly<Record<string, unknown>>): void {
    record.request = this.#keepSecrets ? request : (redact(request) as Record<string, unknown>);
  }

  /** The newest 20,000 calls, oldest first. */
  list(operation?: string): readonly CallRecord[] {
    return this.#records.filter((record) => operation === undefined || record.operation === operation);
  }

  /** How many calls there were, of one operation or of all. */
  count(operation?: string): number {
    return operation === undefined ? this.#number : (this.#counts.get(operation) ?? 0);
  }

  /** Number of calls per operation and outcome. */
  outcomes(): Record<string, Record<string, number>> {
    const table: Record<string, Record<string, number>> = {};
    for (const { operation, outcome } of this.#records) {
      const row = (table[operation] ??= {});
      row[outcome] = (row[outcome] ?? 0) + 1;
    }
    return table;
  }

  clear(): void {
    this.#records.length = 0;
    this.#counts.clear();
    this.#number = 0;
  }
}

/** redact replaces the values of environment variables, wherever they are, by their length. */
export function redact(value: unknown, member = ""): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => redact(item, member));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [
      key,
      member === "environment" && key === "value" && typeof item === "string" ? `<${item.length} characters>` : redact(item, key),
    ]),
  );
}
