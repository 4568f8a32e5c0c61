import { isApiError } from "./api-error.ts";
import { JoinedStore } from "./joined-store.ts";
import type { DeepReadonly, KubeObject } from "./object.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import type { Change, Store } from "./store.ts";

/** InformerOptions are those of a reflector, and the namespaces where they are several. */
export interface InformerOptions<T extends KubeObject> extends Omit<ReflectorOptions<T>, "namespace"> {
  /** Absent means all namespaces, in one list and one watch; several have one list and one watch each, which a Role in each allows. */
  readonly namespace?: string | readonly string[];
  /** How long one of several namespaces may be refused with 403 before the others go on without it: 20 s unless told. */
  readonly leaveOutAfterMs?: number;
}

// Longer than an API server that starts answers 403 to everybody, and much shorter than a start may take.
const leaveOutAfterMs = 20_000;

/** Part is one of several namespaces. */
interface Part<T extends KubeObject> {
  readonly reflector: Reflector<T>;
  /** Since when the API server has refused it, on the monotonic clock. */
  refusedSince: number | undefined;
}

/**
 * Informer keeps a local copy of a kind's objects and tells its handlers what changes. Several namespaces are independent of each other: a
 * team's that was deleted, and its Role with it, must not keep a process that starts from serving the rest. So one that stays forbidden is
 * left out of `synced`; it comes in as soon as it may be listed.
 */
export class Informer<T extends KubeObject> {
  readonly name: string;
  readonly store: Store<T>;
  /** Resolves when the first list of every namespace that may be listed is in the store; never rejects. */
  readonly synced: Promise<void>;
  /** The only one there is, which may cover all namespaces. */
  readonly #single: Reflector<T> | undefined;
  /** Otherwise several, by namespace. */
  readonly #parts = new Map<string, Part<T>>();
  readonly #leaveOutAfterMs: number;
  readonly #sync = Promise.withResolvers<void>();
  /** Of several; once true it stays so, whatever becomes of one of them. */
  #hasSynced = false;

  constructor({ namespace, leaveOutAfterMs: leaveOutMs = leaveOutAfterMs, ...options }: InformerOptions<T>) {
    const named = typeof namespace === "string" ? [namespace] : [...new Set(namespace)];
    if (namespace !== undefined && named.length === 0) throw new TypeError("an informer of no namespace would never be of use");
    this.#leaveOutAfterMs = leaveOutMs;
    this.name = options.name ?? options.client.resource.plural;
    const [first] = named;
    if (named.length < 2) {
      this.#single = new Reflector({ ...options, ...(first !== undefined && { namespace: first }) });
      this.store = this.#single.store;
      this.synced = this.#single.synced;
      return;
    }
    for (const each of named) {
      const reflector = new Reflector({ ...options, namespace: each, onFailure: (error) => this.#failed(each, error, options) });
      this.#parts.set(each, { reflector, refusedSince: undefined });
      void reflector.synced.then(() => this.#look());
    }
    this.store = new JoinedStore(new Map([...this.#parts].map(([each, { reflector }]) => [each, reflector.store])));
    this.synced = this.#sync.promise;
  }

  /** ready is `synced`, under the name that a Manager looks for. */
  get ready(): Promise<void> {
    return this.synced;
  }

  get hasSynced(): boolean {
    return this.#single?.hasSynced ?? this.#hasSynced;
  }

  /**
   * onChange registers a handler and returns what unregisters it. A handler that comes late first gets an add for all
   * that is there. It runs inside the watch: it should note a key and return; a throw in it is logged and nothing more.
   */
  onChange(handler: (change: Change<DeepReadonly<T>>) => void): () => void {
    const offs = this.#reflectors().map((reflector) => reflector.onChange(handler));
    return () => {
      for (const off of offs) off();
    };
  }

  /**
   * observe stores an object that a write of ours returned, so that the next pass sees it before the watch brings it.
   * The object is frozen by this. It must be one that this informer's selectors cover; one of another namespace is left out.
   */
  observe(object: T): void {
    const reflector = this.#single ?? this.#parts.get(object.metadata.namespace ?? "")?.reflector;
    reflector?.observe(object);
  }

  /** run keeps the store up to date until the signal aborts; it never rejects because of the API server. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors().map((reflector) => reflector.run(signal)));
  }

  #reflectors(): readonly Reflector<T>[] {
    return this.#single === undefined ? [...this.#parts.values()].map(({ reflector }) => reflector) : [this.#single];
  }

  #failed(namespace: string, error: unknown, { onFailure }: InformerOptions<T>): number | undefined {
    const part = this.#parts.get(namespace);
    if (part !== undefined) {
      part.refusedSince = isApiError(error, "Forbidden") ? (part.refusedSince ?? performance.now()) : undefined;
      this.#look();
    }
    return onFailure?.(error);
  }

  #isDone({ reflector, refusedSince }: Part<T>): boolean {
    return reflector.hasSynced || (refusedSince !== undefined && performance.now() - refusedSince >= this.#leaveOutAfterMs);
  }

  #look(): void {
    const parts = [...this.#parts.values()];
    // With every namespace refused it is no namespace that is wrong, but the rights of this process.
    if (!parts.some(({ reflector }) => reflector.hasSynced) || !parts.every((part) => this.#isDone(part))) return;
    this.#hasSynced = true;
    this.#sync.resolve();
  }
}
