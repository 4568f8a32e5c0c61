import type { DeepReadonly, ObjectKey } from "./object.ts";
import type { Store } from "./store.ts";

/** JoinedStore shows the stores of several namespaces as one; what is in another namespace is not there. */
export class JoinedStore<T> implements Store<T> {
  readonly #parts: ReadonlyMap<string, Store<T>>;

  constructor(parts: ReadonlyMap<string, Store<T>>) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#sum((part) => part.size);
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#parts.get(key.namespace)?.get(key);
  }

  *list(): Iterable<DeepReadonly<T>> {
    for (const part of this.#parts.values()) yield* part.list();
  }

  *byIndex(index: string, value: string): Iterable<DeepReadonly<T>> {
    for (const part of this.#parts.values()) yield* part.byIndex(index, value);
  }

  countByIndex(index: string, value: string): number {
    return this.#sum((part) => part.countByIndex(index, value));
  }

  #sum(of: (part: Store<T>) => number): number {
    let sum = 0;
    for (const part of this.#parts.values()) sum += of(part);
    return sum;
  }
}
