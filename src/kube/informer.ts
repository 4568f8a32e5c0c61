import { JoinedStore } from "./joined-store.ts";
import type { DeepReadonly, KubeObject } from "./object.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import type { Change, Store } from "./store.ts";

/** InformerOptions are those of a reflector, and the namespaces where they are several. */
export interface InformerOptions<T extends KubeObject> extends Omit<ReflectorOptions<T>, "namespace"> {
  /** Absent means all namespaces, in one list and one watch; several have one list and one watch each, which a Role in each allows. */
  readonly namespace?: string | readonly string[];
}

/**
 * Informer keeps a local copy of a kind's objects and tells its handlers what changes. Namespaces are independent of each other: one
 * that may not be listed delays `synced`, and takes nothing away from the others after that.
 */
export class Informer<T extends KubeObject> {
  readonly name: string;
  readonly store: Store<T>;
  /** Resolves when the first list of every namespace is in the store; never rejects. */
  readonly synced: Promise<void>;
  /** By namespace; the only one there is may cover them all, and then its key says nothing. */
  readonly #parts: ReadonlyMap<string, Reflector<T>>;
  readonly #single: Reflector<T> | undefined;

  constructor({ namespace, ...options }: InformerOptions<T>) {
    const named = typeof namespace === "string" ? [namespace] : [...new Set(namespace)];
    if (namespace !== undefined && named.length === 0) throw new TypeError("an informer of no namespace would never be of use");
    const parts = named.map((each): [string, Reflector<T>] => [each, new Reflector({ ...options, namespace: each })]);
    this.#parts = new Map(parts.length === 0 ? [["", new Reflector(options)]] : parts);
    const [first] = this.#parts.values();
    this.#single = this.#parts.size === 1 ? first : undefined;
    this.name = first?.name ?? "";
    this.store = this.#single?.store ?? new JoinedStore(new Map(parts.map(([each, part]) => [each, part.store])));
    this.synced = Promise.all([...this.#parts.values()].map((part) => part.synced)).then(() => undefined);
  }

  /** ready is `synced`, under the name that a Manager looks for. */
  get ready(): Promise<void> {
    return this.synced;
  }

  get hasSynced(): boolean {
    return [...this.#parts.values()].every((part) => part.hasSynced);
  }

  /**
   * onChange registers a handler and returns what unregisters it. A handler that comes late first gets an add for all
   * that is there. It runs inside the watch: it should note a key and return; a throw in it is logged and nothing more.
   */
  onChange(handler: (change: Change<DeepReadonly<T>>) => void): () => void {
    const offs = [...this.#parts.values()].map((part) => part.onChange(handler));
    return () => {
      for (const off of offs) off();
    };
  }

  /**
   * observe stores an object that a write of ours returned, so that the next pass sees it before the watch brings it.
   * The object is frozen by this. It must be one that this informer's selectors cover; one of another namespace is left out.
   */
  observe(object: T): void {
    const part = this.#single ?? this.#parts.get(object.metadata.namespace ?? "");
    part?.observe(object);
  }

  /** run keeps the store up to date until the signal aborts; it never rejects because of the API server. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.run(signal)));
  }
}
