/** S3Outcome is what a call gets instead of the normal treatment; `accepted` does the work first, so that the caller cannot know. */
export type S3Outcome =
  | {
      readonly kind: "error";
      readonly code: string;
      readonly status: number;
      readonly message?: string;
      readonly accepted?: boolean;
    }
  | { readonly kind: "html"; readonly status: number }
  | { readonly kind: "cut"; readonly accepted?: boolean }
  /** Waits until it is released, and goes on then. */
  | { readonly kind: "hang" };

/** S3Operation is one of the calls that the simulator knows. */
export type S3Operation = "PutObject" | "GetObject" | "HeadObject" | "DeleteObject" | "ListObjectsV2" | "ListBuckets";

export interface S3Match {
  /** Every operation, if absent. */
  readonly operation?: S3Operation;
  readonly bucket?: string;
  readonly key?: RegExp;
  /** How many calls it hits; 1 if absent. */
  readonly times?: number;
}

/** S3Fault is a queued outcome. */
export class S3Fault {
  readonly outcome: S3Outcome;
  readonly match: S3Match;
  readonly #reached = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  hits = 0;

  constructor(outcome: S3Outcome, match: S3Match) {
    this.outcome = outcome;
    this.match = match;
  }

  /** Resolves once the first call has met the fault. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  get released(): Promise<void> {
    return this.#released.promise;
  }

  /** For the server: says that a call has met the fault. */
  arrive(): void {
    this.hits += 1;
    this.#reached.resolve();
  }

  /** Lets calls that hang go on. */
  release(): void {
    this.#released.resolve();
  }
}

/** S3Faults queues outcomes; of those that match a call, the oldest takes it. */
export class S3Faults {
  readonly #queue: S3Fault[] = [];

  add(outcome: S3Outcome, match: S3Match = {}): S3Fault {
    const fault = new S3Fault(outcome, match);
    this.#queue.push(fault);
    return fault;
  }

  /** Refuses calls as an identity's policy does. */
  deny(match: S3Match = {}, message = "Access Denied"): S3Fault {
    return this.add({ kind: "error", code: "AccessDenied", status: 403, message }, { times: Number.POSITIVE_INFINITY, ...match });
  }

  take(call: { readonly operation: S3Operation; readonly bucket: string; readonly key: string }): S3Fault | undefined {
    return this.#queue.find(
      ({ match, hits }) =>
        hits < (match.times ?? 1) &&
        (match.operation === undefined || match.operation === call.operation) &&
        (match.bucket === undefined || match.bucket === call.bucket) &&
        (match.key === undefined || match.key.test(call.key)),
    );
  }

  /** Ends every fault; calls that hang go on. */
  clear(): void {
    for (const fault of this.#queue.splice(0)) fault.release();
  }
}
