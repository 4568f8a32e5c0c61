import { compareVersions, type DeepReadonly, type KubeObject, keyOf, keyText, type ObjectKey } from "./object.ts";

/** Store is a local copy of a kind's objects: all frozen, looked up by key or by index without a search. */
export interface Store<T> {
  readonly size: number;
  get(key: ObjectKey): DeepReadonly<T> | undefined;
  /** list iterates over the live store: collect what you need before you await. */
  list(): Iterable<DeepReadonly<T>>;
  byIndex(index: string, value: string): Iterable<DeepReadonly<T>>;
  countByIndex(index: string, value: string): number;
}

/** Indexer computes the values under which an index finds an object; it must depend on nothing but the object. */
export type Indexer<T> = (object: DeepReadonly<T>) => readonly string[];

/** Change is what happened to one object, with what was known before. A resync is an update from an object to itself. */
export type Change<T> =
  | { readonly type: "add"; readonly new: T }
  | { readonly type: "update"; readonly old: T; readonly new: T }
  | { readonly type: "delete"; readonly old: T };

/**
 * specChanged tells whether a change is one of what people wrote, and not of the status alone. An object that was deleted and created
 * again while the watch was cut looks like an update, of one generation to the same: only the uid tells.
 */
export function specChanged(change: Change<DeepReadonly<KubeObject>>): boolean {
  if (change.type !== "update") return true;
  const [before, after] = [change.old.metadata, change.new.metadata];
  return before.generation !== after.generation || before.uid !== after.uid;
}

/**
 * VersionedStore is the writable side of a Store. Objects reach it by two ways, the watch and our own writes, in any
 * order; versions decide. Three races are closed here:
 * - a write's answer that arrives before its watch event: stored at once, the event is then a repetition;
 * - a write's answer that arrives after the event of a later deletion: the watch has passed that version, so a missing
 *   object is a deleted one and must not come back;
 * - a list that was taken before a write: what is newer than the list stays.
 */
export class VersionedStore<T extends KubeObject> implements Store<T> {
  readonly #objects = new Map<string, DeepReadonly<T>>();
  readonly #indexes = new Map<string, { readonly indexer: Indexer<T>; readonly keys: Map<string, Set<string>> }>();
  /** The newest version that the watch has reached: everything up to it that exists is in #objects. */
  #version = "0";
  /** Keys whose stored version came from a write of ours and is newer than #version. */
  readonly #ahead = new Set<string>();

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    for (const [name, indexer] of Object.entries(indexers)) this.#indexes.set(name, { indexer, keys: new Map() });
  }

  get size(): number {
    return this.#objects.size;
  }

  /** version is where a watch has to go on. */
  get version(): string {
    return this.#version;
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#objects.get(keyText(key));
  }

  list(): Iterable<DeepReadonly<T>> {
    return this.#objects.values();
  }

  *byIndex(index: string, value: string): Iterable<DeepReadonly<T>> {
    for (const key of this.#index(index).keys.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) yield object;
    }
  }

  countByIndex(index: string, value: string): number {
    return this.#index(index).keys.get(value)?.size ?? 0;
  }

  /** observed takes an object that one of our writes returned. */
  observed(object: DeepReadonly<T>): Change<DeepReadonly<T>> | undefined {
    if (compareVersions(versionOf(object), this.#version) <= 0) return undefined;
    this.#ahead.add(textOf(object));
    return this.#put(object);
  }

  /** watched takes an object from an ADDED or MODIFIED event. */
  watched(object: DeepReadonly<T>): Change<DeepReadonly<T>> | undefined {
    this.advance(versionOf(object));
    const change = this.#put(object);
    this.#caughtUp(textOf(object));
    return change;
  }

  /** deleted takes an object from a DELETED event, whose version is that of the deletion. */
  deleted(object: DeepReadonly<T>): Change<DeepReadonly<T>> | undefined {
    this.advance(versionOf(object));
    const key = textOf(object);
    const old = this.#objects.get(key);
    // A newer one was created under the same name, and its creation was observed before this event came.
    if (old === undefined || compareVersions(versionOf(old), versionOf(object)) > 0) return undefined;
    this.#ahead.delete(key);
    return this.#remove(key, old);
  }

  /** advance notes that the watch has reached a version. */
  advance(version: string): void {
    if (compareVersions(version, this.#version) > 0) this.#version = version;
  }

  /** replace takes a complete list as of a version, and yields what is different from what was known. */
  *replace(objects: readonly DeepReadonly<T>[], version: string): Iterable<Change<DeepReadonly<T>>> {
    const listed = new Set<string>();
    this.#version = version;
    for (const key of this.#ahead) this.#caughtUp(key);
    for (const object of objects) {
      const key = textOf(object);
      listed.add(key);
      // Only what our own writes brought may be newer than the list. Anything else that seems so dates from before the
      // server's etcd was restored from a backup and counts from a lower version: the list is the truth.
      const rewound = !this.#ahead.has(key) && compareVersions(versionOf(object), this.#versionAt(key)) < 0;
      const change = this.#put(object, rewound);
      if (change !== undefined) yield change;
    }
    for (const [key, old] of this.#objects) {
      if (!listed.has(key) && !this.#ahead.has(key)) yield this.#remove(key, old);
    }
  }

  #versionAt(key: string): string {
    const object = this.#objects.get(key);
    return object === undefined ? "0" : versionOf(object);
  }

  #caughtUp(key: string): void {
    if (this.#ahead.size > 0 && compareVersions(this.#versionAt(key), this.#version) <= 0) this.#ahead.delete(key);
  }

  #put(object: DeepReadonly<T>, force = false): Change<DeepReadonly<T>> | undefined {
    const key = textOf(object);
    const old = this.#objects.get(key);
    if (old !== undefined && !force && compareVersions(versionOf(object), versionOf(old)) <= 0) return undefined;
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) this.#reindex(index.keys, key, old && index.indexer(old), index.indexer(object));
    return old === undefined ? { type: "add", new: object } : { type: "update", old, new: object };
  }

  #remove(key: string, old: DeepReadonly<T>): Change<DeepReadonly<T>> {
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) this.#reindex(index.keys, key, index.indexer(old), []);
    return { type: "delete", old };
  }

  #reindex(keys: Map<string, Set<string>>, key: string, from: readonly string[] | undefined, to: readonly string[]): void {
    for (const value of from ?? []) {
      if (to.includes(value)) continue;
      const set = keys.get(value);
      set?.delete(key);
      if (set?.size === 0) keys.delete(value);
    }
    for (const value of to) {
      const set = keys.get(value);
      if (set === undefined) keys.set(value, new Set([key]));
      else set.add(key);
    }
  }

  #index(name: string) {
    const index = this.#indexes.get(name);
    if (index === undefined)
      throw new TypeError(`there is no index "${name}"; the informer has ${[...this.#indexes.keys()].join(", ") || "none"}`);
    return index;
  }
}

function textOf(object: unknown): string {
  return keyText(keyOf(object as KubeObject));
}

function versionOf(object: unknown): string {
  return (object as KubeObject).metadata.resourceVersion ?? "0";
}
