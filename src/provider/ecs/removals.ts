import type { Logger } from "../../telemetry/log.ts";
import { unlessAborted } from "../../util/unless-aborted.ts";
import { isProviderError } from "../errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { EcsConnection } from "./connection.ts";
import type { S3Object } from "./delivery-object.ts";
import { awsCause } from "./errors.ts";
import type { S3Store } from "./s3-store.ts";

interface Removal {
  readonly connection: EcsConnection;
  readonly object: S3Object;
}

/** Removals at a time: a leader that takes over sees all running tasks at once. */
const maxRunning = 8;
/** What does not fit is asked for again by the next look at its task. */
const maxWaiting = 1_000;
const maxGone = 20_000;
const maxFailing = 100;
const removalTimeoutMs = 30_000;

/**
 * Removals removes objects behind the callers' backs, so that no look at a task waits for S3. Each is removed once in the life of the
 * process; one that failed is removed when it is asked for again.
 */
export class Removals {
  readonly #store: S3Store;
  readonly #log: Logger;
  /** In the order in which they were asked for. */
  readonly #waiting = new Map<string, Removal>();
  /** At most maxRunning; the promises never reject. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #gone = new BoundedMap<string, true>(maxGone);
  /** Buckets whose last removal failed: one warning for each row of failures, however many tasks run. */
  readonly #failing = new BoundedMap<string, true>(maxFailing);
  readonly #closed = new AbortController();

  constructor(store: S3Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** remove returns at once. */
  remove(connection: EcsConnection, object: S3Object): void {
    const name = nameOf(object);
    const known = this.#gone.get(name) === true || this.#waiting.has(name) || this.#running.has(name);
    if (known || this.#waiting.size >= maxWaiting || this.#closed.signal.aborted) return;
    this.#waiting.set(name, { connection, object });
    this.#work();
  }

  /** keep calls a removal off, or waits until it is over: what is put after it stays until it is asked for again. */
  async keep(object: S3Object, signal: AbortSignal): Promise<void> {
    const name = nameOf(object);
    this.#waiting.delete(name);
    const running = this.#running.get(name);
    if (running !== undefined) await unlessAborted(running, signal);
    this.#gone.delete(name);
  }

  /** close gives up what waits or is under way: the next process sees the same tasks. */
  async close(): Promise<void> {
    this.#closed.abort(new Error("the provider was closed"));
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #work(): void {
    for (const [name, removal] of this.#waiting) {
      if (this.#running.size >= maxRunning) return;
      this.#waiting.delete(name);
      const done = this.#remove(name, removal).finally(() => {
        this.#running.delete(name);
        this.#work();
      });
      this.#running.set(name, done);
    }
  }

  async #remove(name: string, { connection, object }: Removal): Promise<void> {
    const { bucket } = object;
    try {
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(removalTimeoutMs)]);
      await this.#store.delete(connection, object, signal);
      this.#gone.set(name, true);
      this.#failing.delete(bucket);
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const level = this.#failing.get(bucket) === true ? "debug" : "warn";
      this.#failing.set(bucket, true);
      const why = isProviderError(error) ? error.message : "S3 did not answer in time";
      const cause = awsCause(error)?.name;
      this.#log[level](
        { ...object, cause, why },
        "could not remove a delivered JIT configuration; the next look at its task tries again",
      );
    }
  }
}

function nameOf({ bucket, key }: S3Object): string {
  return `${bucket}/${key}`;
}
