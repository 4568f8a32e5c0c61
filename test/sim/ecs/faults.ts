import type { Failure } from "@aws-sdk/client-ecs";

/**
 * Outcome is what a call gets instead of, or after, the normal treatment. `accepted` means that the work is done first and only
 * the answer goes wrong, so that the caller cannot know.
 */
export type Outcome =
  | { readonly kind: "failures"; readonly failures: readonly Failure[] }
  | {
      readonly kind: "exception";
      readonly type: string;
      readonly message?: string;
      readonly status?: number;
      /** Other members of the error, such as `resourceIds`. */
      readonly fields?: Readonly<Record<string, unknown>>;
      readonly accepted?: boolean;
    }
  | { readonly kind: "cut"; readonly accepted?: boolean }
  | { readonly kind: "hang"; readonly accepted?: boolean }
  | { readonly kind: "html"; readonly status: number; readonly accepted?: boolean }
  | { readonly kind: "delay"; readonly ms: number };

/** CallFacts is what a fault can choose its calls by. */
export interface CallFacts {
  readonly operation: string;
  readonly accessKeyId: string;
  /** Name of the cluster, as far as the call has one. */
  readonly cluster: string | undefined;
  /** Providers of the requested strategy that may get a task, or the launch type. */
  readonly capacities: readonly string[];
  readonly request: Readonly<Record<string, unknown>>;
}

export interface FaultMatch {
  /** RunTask if absent; `*` is every operation. */
  readonly operation?: string;
  readonly cluster?: string;
  readonly capacity?: string;
  readonly when?: (call: CallFacts) => boolean;
  /** How many calls it hits; 1 if absent. */
  readonly times?: number;
}

/** Fault is a queued outcome. */
export class Fault {
  readonly outcome: Outcome;
  readonly match: FaultMatch;
  readonly #reached = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<"go on" | "give up">();
  hits = 0;
  over = false;

  constructor(outcome: Outcome, match: FaultMatch) {
    this.outcome = outcome;
    this.match = match;
  }

  /** Resolves once the first call has met the fault; with `accepted`, once its work is done. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** For the dispatcher: what becomes of the calls that hang. */
  get released(): Promise<"go on" | "give up"> {
    return this.#released.promise;
  }

  /** Ends the fault: no further call meets it, and calls that hang go on. */
  release(): void {
    this.over = true;
    this.#released.resolve("go on");
  }

  /** Ends the fault; calls that hang are cut off without having been carried out. */
  abandon(): void {
    this.over = true;
    this.#released.resolve("give up");
  }

  /** For the dispatcher: says that a call has met the fault. */
  arrive(): void {
    this.#reached.resolve();
  }

  applies(call: CallFacts): boolean {
    const { operation = "RunTask", cluster, capacity, when, times = 1 } = this.match;
    return (
      !this.over &&
      this.hits < times &&
      (operation === "*" || operation === call.operation) &&
      (cluster === undefined || cluster === call.cluster) &&
      (capacity === undefined || call.capacities.includes(capacity)) &&
      (when === undefined || when(call))
    );
  }
}

/** Faults queues outcomes; of those that match a call, the oldest takes it. */
export class Faults {
  #queue: Fault[] = [];

  add(outcome: Outcome, match: FaultMatch = {}): Fault {
    const fault = new Fault(outcome, match);
    this.#queue.push(fault);
    return fault;
  }

  /** Answers the next calls with ThrottlingException, without doing anything. */
  throttle(times: number, match: FaultMatch = {}): Fault {
    return this.add({ kind: "exception", type: "ThrottlingException", message: "Rate exceeded" }, { times, ...match });
  }

  /** Answers the next RunTask with nothing but failures of these reasons. */
  failures(reasons: readonly string[], match: FaultMatch = {}): Fault {
    return this.add({ kind: "failures", failures: reasons.map((reason) => ({ reason })) }, match);
  }

  /** The fault that a call meets: delays first, since something else may follow them. */
  take(call: CallFacts): { readonly delayMs: number; readonly fault: Fault | undefined } {
    // Faults that are used up go, so that a long run does not slow down; those that hold calls stay until they are released.
    this.#queue = this.#queue.filter(
      (fault) => !fault.over && (fault.outcome.kind === "hang" || fault.hits < (fault.match.times ?? 1)),
    );
    let delayMs = 0;
    for (const fault of this.#queue.filter((candidate) => candidate.applies(call))) {
      fault.hits += 1;
      if (fault.outcome.kind !== "delay") {
        return { delayMs, fault };
      }
      fault.arrive();
      delayMs += fault.outcome.ms;
    }
    return { delayMs, fault: undefined };
  }

  /** Ends every fault; calls that hang are cut off. */
  clear(): void {
    for (const fault of this.#queue.splice(0)) {
      fault.abandon();
    }
  }
}
