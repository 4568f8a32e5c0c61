import { randomUUID } from "node:crypto";
import type { Logger } from "../telemetry/log.ts";
import { aborted, Deadline, sleep } from "./abort.ts";
import { isApiError } from "./api-error.ts";
import type { ControllerMetrics, KubeMetrics, ReconcileOutcome } from "./metrics.ts";
import { keyText, type ObjectKey, parseKey } from "./object.ts";
import { WorkQueue } from "./work-queue.ts";

/** ReconcileResult is when to look again, if nothing happens before: absent means not at all. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/** ReconcileContext comes with each pass. */
export interface ReconcileContext {
  /** Aborts at the pass' deadline, and when a stopping process can wait no longer. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly reconcileId: string;
}

/** Reconcile looks at the state of the world under a key, not at what woke it, and moves it towards what is wanted. */
export type Reconcile = (key: ObjectKey, context: ReconcileContext) => Promise<ReconcileResult | void>;

/** TerminalError ends a pass with an error that trying again cannot mend: it is counted and not retried. */
export class TerminalError extends Error {
  override readonly name: string = "TerminalError";
}

/** ControllerOptions name a controller and say what it does and when it may begin. */
export interface ControllerOptions {
  /** Dotted, shared by logs and metrics: "runnerrequest.lifecycle". */
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  /** Passes at a time, over different keys: 1 unless told. */
  readonly concurrency?: number;
  /** When a pass' signal aborts: 60 s unless told. */
  readonly deadlineMs?: number;
  /** What must be synced before the first pass, usually informers. */
  readonly sources?: readonly { readonly synced: Promise<void> }[];
  readonly syncTimeoutMs?: number;
  /** How long passes in hand may go on after a stop before their signal aborts: 15 s unless told. */
  readonly drainMs?: number;
}

/** Controller runs passes for the keys that are enqueued, and treats their errors. */
export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #metrics: ControllerMetrics;
  readonly #queue: WorkQueue;
  /** Aborts the passes that are still in hand when the drain is over. */
  readonly #hardStop = new AbortController();

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.log.child({ controller: options.name });
    this.#metrics = options.metrics.forController(options.name, options.concurrency ?? 1);
    this.#queue = new WorkQueue({ name: options.name, metrics: options.metrics });
  }

  /** enqueue asks for a pass now. */
  enqueue(key: ObjectKey): void {
    this.#queue.add(keyText(key));
  }

  /** enqueueAfter asks for a pass in some milliseconds, unless one is due before. */
  enqueueAfter(key: ObjectKey, ms: number): void {
    this.#queue.addAfter(keyText(key), ms);
  }

  /** reconcileOnce runs one pass, as a worker does but outside the queue, and throws what the pass throws. For tests and tools. */
  async reconcileOnce(key: ObjectKey, signal?: AbortSignal): Promise<ReconcileResult> {
    const pass = this.#begin(key, signal);
    try {
      return (await this.#options.reconcile(key, pass.context)) ?? {};
    } finally {
      pass.deadline.dispose();
    }
  }

  /** run waits for the sources, then works until the signal aborts, then finishes the passes in hand. */
  async run(signal: AbortSignal): Promise<void> {
    if (!(await this.#sourcesSynced(signal))) return;
    const workers = Promise.all(Array.from({ length: this.#options.concurrency ?? 1 }, () => this.#work(signal)));
    const stop = aborted(signal);
    await Promise.race([stop.promise, workers]).finally(() => stop.dispose());
    this.#queue.shutDown();
    const drained = new AbortController();
    const finished = workers.finally(() => drained.abort());
    if (await sleep(this.#options.drainMs ?? 15_000, drained.signal)) {
      this.#log.warn("the drain is over: passes in hand are aborted");
      this.#hardStop.abort();
    }
    await finished;
  }

  /** abandon aborts the passes in hand; together with the stop, nothing is finished. */
  abandon(): void {
    this.#hardStop.abort();
  }

  async #sourcesSynced(signal: AbortSignal): Promise<boolean> {
    const synced = Promise.all((this.#options.sources ?? []).map((source) => source.synced));
    const limitMs = this.#options.syncTimeoutMs ?? 120_000;
    const limit = new Deadline(limitMs, signal);
    const stop = aborted(limit.signal);
    try {
      const first = await Promise.race([synced.then(() => "synced" as const), stop.promise.then(() => "stopped" as const)]);
      if (first === "synced") return !signal.aborted;
      if (signal.aborted) return false;
      throw new Error(
        `controller ${this.name}: its caches did not sync within ${limitMs / 1_000} s; see the errors of the informers`,
      );
    } finally {
      stop.dispose();
      limit.dispose();
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const text = await this.#queue.get(signal);
      if (text === undefined) return;
      this.#metrics.activeWorkers(1);
      try {
        await this.#pass(text, signal);
      } finally {
        this.#metrics.activeWorkers(-1);
        this.#queue.done(text);
      }
    }
  }

  async #pass(text: string, signal: AbortSignal): Promise<void> {
    const key = parseKey(text);
    const { context, deadline } = this.#begin(key, this.#hardStop.signal);
    const startedAt = performance.now();
    let outcome: ReconcileOutcome | undefined;
    try {
      outcome = this.#settle(text, (await this.#options.reconcile(key, context)) ?? {});
    } catch (error) {
      const stopping = signal.aborted && (this.#hardStop.signal.aborted || isAbort(error));
      if (!stopping) outcome = this.#fail(text, error, context.log);
    } finally {
      deadline.dispose();
      if (outcome !== undefined) this.#metrics.finished(outcome, (performance.now() - startedAt) / 1_000);
    }
  }

  #begin(key: ObjectKey, parent: AbortSignal | undefined): { readonly context: ReconcileContext; readonly deadline: Deadline } {
    const deadline = new Deadline(this.#options.deadlineMs ?? 60_000, parent);
    const reconcileId = randomUUID();
    const log = this.#log.child({ namespace: key.namespace, name: key.name, reconcileId });
    return { context: { signal: deadline.signal, log, reconcileId }, deadline };
  }

  #settle(text: string, result: ReconcileResult): ReconcileOutcome {
    const afterMs = result.requeueAfterMs;
    if (afterMs === undefined) {
      this.#queue.forget(text);
      return "success";
    }
    if (afterMs >= 1) {
      this.#queue.forget(text);
      this.#queue.addAfter(text, afterMs);
      return "requeue_after";
    }
    // Usually a deadline that passed while the pass computed it. Never looking again would lose it, and at once could
    // become a busy loop: so with backoff.
    this.#queue.addRateLimited(text);
    return "requeue";
  }

  #fail(text: string, error: unknown, log: Logger): ReconcileOutcome {
    if (isApiError(error, "Conflict")) {
      log.debug("somebody else wrote first; looking again");
      this.#queue.addRateLimited(text);
      return "requeue";
    }
    this.#metrics.failed();
    if (isPanic(error)) this.#metrics.panicked();
    const facts = { err: error instanceof Error ? error : new Error(`thrown: ${String(error)}`) };
    if (error instanceof TerminalError) {
      this.#metrics.terminal();
      this.#queue.forget(text);
      log.error(facts, "reconcile failed for good");
    } else {
      this.#queue.addRateLimited(text);
      log.error({ ...facts, failures: this.#queue.failures(text) }, "reconcile failed");
    }
    return "error";
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

// What Go would have called a panic: no error that somebody meant to throw.
function isPanic(error: unknown): boolean {
  return !(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError;
}
