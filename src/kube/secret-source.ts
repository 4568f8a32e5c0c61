import type { Logger } from "../telemetry/log.ts";
import { aborted } from "./abort.ts";
import { isApiError } from "./api-error.ts";
import { Client } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import { Informer } from "./informer.ts";
import type { KubeMetrics } from "./metrics.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "./object.ts";
import { type Secret, secrets } from "./resource.ts";

/** SecretState is what is known about a Secret: "pending" until the first answer. */
export type SecretState =
  | { readonly state: "present"; readonly data: Readonly<Record<string, Buffer>>; readonly resourceVersion: string }
  | { readonly state: "absent" }
  | { readonly state: "pending" }
  | { readonly state: "forbidden"; readonly message: string };

/** SecretSourceOptions are the connection and where to report. */
export interface SecretSourceOptions {
  readonly cluster: Cluster;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  /** How often a Secret that may not be read is tried again: 30 s unless told. */
  readonly retryForbiddenMs?: number;
}

interface Watched {
  readonly key: ObjectKey;
  readonly informer: Informer<Secret>;
  readonly stop: AbortController;
  wanted: number;
  state: SecretState;
  /** Since when, and when last, the API server answered 403, on the monotonic clock. */
  refusedSince: number;
  refusedAt: number;
  /** Whether a list has succeeded since the last failure: then it is the watch alone that is not allowed. */
  listed: boolean;
  running: Promise<void> | undefined;
}

const pending: SecretState = Object.freeze({ state: "pending" });
const absent: SecretState = Object.freeze({ state: "absent" });
// For up to 300 ms after its start an API server answers 403 to everybody, because it has not read its roles yet.
const forbiddenAfterMs = 1_000;
const quickRetryMs = 1_000;

/**
 * SecretSource watches single Secrets by name, for as long as somebody wants them. A list and a watch with the field
 * selector metadata.name need no more than a Role with resourceNames, so nobody has to grant all Secrets of a namespace.
 */
export class SecretSource {
  readonly name = "secrets";
  readonly #client: Client<Secret>;
  readonly #log: Logger;
  readonly #metrics: KubeMetrics;
  readonly #retryForbiddenMs: number;
  readonly #watched = new Map<string, Watched>();
  readonly #handlers = new Set<(key: ObjectKey) => void>();
  /** Informers of Secrets that nobody wants any more and that have not ended yet. */
  readonly #ending = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(options: SecretSourceOptions) {
    this.#client = new Client(options.cluster, secrets);
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#retryForbiddenMs = options.retryForbiddenMs ?? 30_000;
    // Registers the kind's metrics at zero before the first Secret is wanted.
    options.metrics.forWatch(secrets.kind, { size: 0 });
  }

  /** want starts to watch a Secret, or counts one more who wants it. */
  want(key: ObjectKey): void {
    const text = keyText(key);
    const known = this.#watched.get(text);
    if (known !== undefined) {
      known.wanted++;
      return;
    }
    const watched: Watched = {
      key,
      informer: new Informer({
        client: this.#client,
        log: this.#log,
        metrics: this.#metrics,
        name: `secret ${text}`,
        namespace: key.namespace,
        fieldSelector: `metadata.name=${key.name}`,
        onListed: () => this.#listed(watched),
        onFailure: (error) => this.#failed(watched, error),
      }),
      stop: new AbortController(),
      wanted: 1,
      state: pending,
      refusedSince: Number.NEGATIVE_INFINITY,
      refusedAt: Number.NEGATIVE_INFINITY,
      listed: false,
      running: undefined,
    };
    this.#watched.set(text, watched);
    watched.informer.onChange((change) => this.#set(watched, stateOf(change.type === "delete" ? undefined : change.new)));
    if (this.#signal !== undefined) this.#start(watched, this.#signal);
  }

  /** unwant ends the watch of a Secret when nobody else wants it, and forgets its content. */
  unwant(key: ObjectKey): void {
    const text = keyText(key);
    const watched = this.#watched.get(text);
    if (watched === undefined || --watched.wanted > 0) return;
    this.#watched.delete(text);
    watched.stop.abort();
  }

  /** get is what is known about a Secret now; "pending" also for one that nobody wants. */
  get(key: ObjectKey): SecretState {
    return this.#watched.get(keyText(key))?.state ?? pending;
  }

  /** onChange registers a handler that hears of each change of a wanted Secret's state, and returns what unregisters it. */
  onChange(handler: (key: ObjectKey) => void): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  /** settled waits for the first answer about a wanted Secret; it rejects with the signal's reason when that aborts first. */
  async settled(key: ObjectKey, signal: AbortSignal): Promise<SecretState> {
    const text = keyText(key);
    const answered = Promise.withResolvers<void>();
    const off = this.onChange((changed) => {
      if (keyText(changed) === text && this.get(key).state !== "pending") answered.resolve();
    });
    const stop = aborted(signal);
    try {
      if (this.get(key).state === "pending") await Promise.race([answered.promise, stop.promise]);
      const state = this.get(key);
      if (state.state === "pending") throw signal.reason;
      return state;
    } finally {
      off();
      stop.dispose();
    }
  }

  /** run watches the wanted Secrets until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const watched of this.#watched.values()) this.#start(watched, signal);
    const stop = aborted(signal);
    await stop.promise;
    await Promise.all([...this.#ending]);
  }

  #start(watched: Watched, signal: AbortSignal): void {
    if (signal.aborted || watched.running !== undefined) return;
    const onAbort = (): void => watched.stop.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    const running = watched.informer
      .run(watched.stop.signal)
      .catch((error: unknown) => this.#log.error({ err: error, object: keyText(watched.key) }, "secret watch ended"))
      .finally(() => {
        signal.removeEventListener("abort", onAbort);
        this.#ending.delete(running);
      });
    watched.running = running;
    this.#ending.add(running);
  }

  #listed(watched: Watched): void {
    watched.listed = true;
    const before = watched.state.state;
    // The list may have brought nothing new, and then no change either.
    if (before === "forbidden" || before === "pending") this.#set(watched, stateOf(watched.informer.store.get(watched.key)));
  }

  #failed(watched: Watched, error: unknown): number | undefined {
    const watchOnly = watched.listed;
    watched.listed = false;
    if (!isApiError(error, "Forbidden")) return undefined;
    const now = performance.now();
    if (now - watched.refusedAt > 2 * this.#retryForbiddenMs) watched.refusedSince = now;
    const first = now - watched.refusedSince >= forbiddenAfterMs && watched.refusedAt - watched.refusedSince < forbiddenAfterMs;
    watched.refusedAt = now;
    if (now - watched.refusedSince < forbiddenAfterMs) return quickRetryMs;
    const { namespace, name } = watched.key;
    const verbs = watchOnly ? "watch" : "list and watch";
    if (first)
      this.#log.warn({ object: keyText(watched.key), verbs, retryInMs: this.#retryForbiddenMs }, "not allowed to read a secret");
    // Without the watch, what the list brings at each try still holds.
    if (!watchOnly && watched.state.state !== "forbidden") {
      const message = `not allowed to read Secret ${namespace}/${name}: grant ${verbs} on it with a Role in namespace ${namespace}`;
      this.#set(watched, { state: "forbidden", message });
    }
    return this.#retryForbiddenMs;
  }

  #set(watched: Watched, state: SecretState): void {
    if (watched.state.state === "absent" && state.state === "absent") return;
    if (watched.state.state === "forbidden" && state.state !== "forbidden") {
      this.#log.info({ object: keyText(watched.key) }, "allowed to read the secret again");
    }
    watched.state = state;
    for (const handler of this.#handlers) {
      try {
        handler(watched.key);
      } catch (error) {
        this.#log.error({ err: error }, "secret handler failed");
      }
    }
  }
}

function stateOf(secret: DeepReadonly<Secret> | undefined): SecretState {
  if (secret === undefined) return absent;
  const data: Record<string, Buffer> = {};
  for (const [name, value] of Object.entries(secret.data ?? {})) data[name] = Buffer.from(value, "base64");
  return { state: "present", data: Object.freeze(data), resourceVersion: secret.metadata.resourceVersion ?? "" };
}
