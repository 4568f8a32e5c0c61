import type { Logger } from "../telemetry/log.ts";
import { clampDelay, sleep } from "./abort.ts";
import { isApiError } from "./api-error.ts";
import { Backoff } from "./backoff.ts";
import type { Client } from "./client.ts";
import type { KubeMetrics, WatchEnd, WatchMetrics } from "./metrics.ts";
import { type DeepReadonly, deepFreeze, type KubeObject } from "./object.ts";
import { type Change, type Indexer, type Store, VersionedStore } from "./store.ts";
import { IdleError, type WatchEvent } from "./watch-stream.ts";

/** ReflectorOptions say which objects are kept, how they are found, and how they are trimmed. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client<T>;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  /** For logs; the resource's plural unless told. */
  readonly name?: string;
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly indexes?: Readonly<Record<string, Indexer<T>>>;
  /** How often every object is handed to the handlers again, plus or minus 10 %: 10 h unless told. */
  readonly resyncMs?: number;
  /** What to drop from an object before it is stored; managedFields and kubectl's last-applied annotation unless told. */
  readonly trim?: (object: T) => void;
  /** Hears of each complete list, after the handlers have: what the store says is true as of now. */
  readonly onListed?: () => void;
  /** Hears of each failed list or watch; a number that it returns is the delay until the next try, and keeps the failure out of the log. */
  readonly onFailure?: (error: unknown) => number | undefined;
  /** How long nothing at all may come on a watch before the connection is taken for dead; the watch's whole time and 15 s unless told. */
  readonly idleTimeoutMs?: number;
  /** When the server ends a watch in good order: after 120 to 150 s unless told. */
  readonly watchTimeoutSeconds?: number;
}

const pageSize = 500;
// A server that froze is noticed when it fails to end a watch in time, so not too long; a new watch is one cheap request.
// (A host that vanished is noticed by TCP keep-alive after 40 s.) The spread keeps many watches from ending together.
const watchSeconds = 120;
const watchSecondsSpread = 30;
const minBackoffMs = 200;
const maxBackoffMs = 30_000;
// A watch that lived this long proves that the server is well, whatever ended it. Shorter ones keep the backoff growing,
// so that a server that accepts watches only to drop them is not listed five times a second.
const healthyMs = 10_000;
const defaultResyncMs = 10 * 3_600_000;

/**
 * Reflector keeps a local copy of a kind's objects, of one namespace or of all, and tells its handlers what changes: it lists in pages,
 * watches from there, goes on from the last version when a watch ends in good order, and lists again after anything else.
 */
export class Reflector<T extends KubeObject> {
  readonly name: string;
  readonly store: Store<T>;
  /** Resolves when the first list is in the store; never rejects. */
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions<T>;
  readonly #store: VersionedStore<T>;
  readonly #log: Logger;
  readonly #metrics: WatchMetrics;
  readonly #handlers = new Set<(change: Change<DeepReadonly<T>>) => void>();
  readonly #backoff = new Backoff({ minMs: minBackoffMs, maxMs: maxBackoffMs });
  readonly #sync = Promise.withResolvers<void>();
  #hasSynced = false;
  #running = false;

  constructor(options: ReflectorOptions<T>) {
    this.name = options.name ?? options.client.resource.plural;
    this.#options = options;
    this.#log = options.log.child({
      informer: this.name,
      ...(options.namespace !== undefined && { namespace: options.namespace }),
    });
    this.#store = new VersionedStore(options.indexes);
    this.store = this.#store;
    this.#metrics = options.metrics.forWatch(options.client.resource.kind, this.#store);
    this.synced = this.#sync.promise;
  }

  /** ready is `synced`, under the name that a Manager looks for. */
  get ready(): Promise<void> {
    return this.synced;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /**
   * onChange registers a handler and returns what unregisters it. A handler that comes late first gets an add for all
   * that is there. It runs inside the watch: it should note a key and return; a throw in it is logged and nothing more.
   */
  onChange(handler: (change: Change<DeepReadonly<T>>) => void): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.list()) this.#call(handler, { type: "add", new: object });
    return () => void this.#handlers.delete(handler);
  }

  /**
   * observe stores an object that a write of ours returned, so that the next pass sees it before the watch brings it.
   * The object is frozen by this. It must be one that this informer's selectors cover.
   */
  observe(object: T): void {
    // The write took away the last finalizer of an object in deletion, so what came back is a farewell.
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) return;
    this.#tell(this.#store.observed(this.#admit(object)));
  }

  /** run keeps the store up to date until the signal aborts; it never rejects because of the API server. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error(`informer ${this.name} is running already`);
    this.#running = true;
    this.#metrics.running();
    const resync = this.#startResync(signal);
    try {
      for (let listed = false; !signal.aborted; ) {
        const startedAt = performance.now();
        try {
          if (!listed) await this.#list(signal);
          listed = true;
          await this.#watch(signal);
          this.#metrics.restarted("closed");
          // A server that ends watches as soon as they are open would otherwise have us open them in a tight loop.
          if (performance.now() - startedAt < 1_000) await sleep(this.#backoff.next(), signal);
          else this.#backoff.reset();
        } catch (error) {
          if (signal.aborted) break;
          if (listed && performance.now() - startedAt >= healthyMs) this.#backoff.reset();
          const cause = listed ? causeOf(error) : isApiError(error, "Forbidden") ? "forbidden" : "list";
          listed = false;
          await sleep(this.#failed(error, cause), signal);
        }
      }
    } finally {
      resync.stop();
      this.#metrics.stopped();
      this.#running = false;
    }
  }

  #failed(error: unknown, cause: WatchEnd): number {
    this.#metrics.restarted(cause);
    const backoffMs = this.#backoff.next();
    const wantedMs = this.#options.onFailure?.(error);
    if (wantedMs !== undefined) return wantedMs;
    const retryInMs = Math.max(backoffMs, isApiError(error) ? (error.retryAfterMs ?? 0) : 0);
    const facts = { err: error, cause, retryInMs: Math.round(retryInMs) };
    // An expired version is how the API server says "you were away too long", and the list after it repairs all.
    if (cause === "expired") this.#log.debug(facts, "watch expired");
    else this.#log.warn(facts, "list or watch failed");
    return retryInMs;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, namespace, fieldSelector, labelSelector } = this.#options;
    const objects: DeepReadonly<T>[] = [];
    const selection = { namespace, fieldSelector, labelSelector, signal };
    let page = await client.list({ ...selection, limit: pageSize });
    const { resourceVersion } = page;
    for (;;) {
      for (const item of page.items) objects.push(this.#admit(item));
      if (page.continue === undefined) break;
      try {
        page = await client.list({ ...selection, limit: pageSize, continue: page.continue });
      } catch (error) {
        if (!isApiError(error, "Expired")) throw error;
        // The pages took longer than the server keeps a snapshot, and would again: one large list does not expire.
        page = await client.list(selection);
        objects.length = 0;
        return this.#replace([...page.items.map((item) => this.#admit(item))], page.resourceVersion);
      }
    }
    this.#replace(objects, resourceVersion);
  }

  #replace(objects: readonly DeepReadonly<T>[], version: string): void {
    for (const change of this.#store.replace(objects, version)) this.#tell(change);
    this.#options.onListed?.();
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#log.debug({ objects: this.#store.size }, "informer synced");
    this.#sync.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, namespace, fieldSelector, labelSelector, idleTimeoutMs, watchTimeoutSeconds } = this.#options;
    const timeoutSeconds = watchTimeoutSeconds ?? watchSeconds + Math.floor(Math.random() * watchSecondsSpread);
    const watch = client.watch({
      namespace,
      fieldSelector,
      labelSelector,
      resourceVersion: this.#store.version,
      timeoutSeconds,
      idleTimeoutMs,
      signal,
    });
    for await (const event of watch) this.#apply(event);
  }

  #apply(event: WatchEvent<T>): void {
    switch (event.type) {
      case "BOOKMARK":
        this.#store.advance(event.resourceVersion);
        return;
      case "DELETED":
        this.#tell(this.#store.deleted(this.#admit(event.object)));
        return;
      case "ADDED":
      case "MODIFIED":
        this.#tell(this.#store.watched(this.#admit(event.object)));
        return;
      default:
        event satisfies never;
    }
  }

  #admit(object: T): DeepReadonly<T> {
    if (!Object.isFrozen(object)) (this.#options.trim ?? dropBulk)(object);
    return deepFreeze(object);
  }

  #tell(change: Change<DeepReadonly<T>> | undefined): void {
    if (change === undefined) return;
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  #call(handler: (change: Change<DeepReadonly<T>>) => void, change: Change<DeepReadonly<T>>): void {
    try {
      handler(change);
    } catch (error) {
      this.#log.error({ err: error }, "informer handler failed");
    }
  }

  #startResync(signal: AbortSignal): { stop(): void } {
    const periodMs = this.#options.resyncMs ?? defaultResyncMs;
    let timer: NodeJS.Timeout;
    const schedule = (): void => {
      timer = setTimeout(
        () => {
          if (signal.aborted) return;
          for (const object of this.#store.list()) this.#tell({ type: "update", old: object, new: object });
          schedule();
        },
        clampDelay(periodMs * (0.9 + Math.random() * 0.2)),
      );
    };
    schedule();
    return { stop: () => clearTimeout(timer) };
  }
}

function dropBulk(object: KubeObject): void {
  delete (object.metadata as { managedFields?: unknown }).managedFields;
  if (object.metadata.annotations !== undefined) {
    delete object.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"];
  }
}

function causeOf(error: unknown): WatchEnd {
  if (isApiError(error, "Expired")) return "expired";
  if (isApiError(error, "Forbidden")) return "forbidden";
  return error instanceof IdleError ? "idle" : "error";
}
