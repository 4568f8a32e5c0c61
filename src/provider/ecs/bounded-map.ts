/** BoundedMap is a Map that forgets its oldest entry when it would grow beyond a size: for what may be lost, and must not pile up. */
export class BoundedMap<Key, Value> {
  readonly #maxSize: number;
  /** In order of writing: the first entry is the oldest. */
  readonly #entries = new Map<Key, Value>();

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxSize) return;
      this.#entries.delete(oldest);
    }
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  entries(): Iterable<[Key, Value]> {
    return this.#entries.entries();
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }

  clear(): void {
    this.#entries.clear();
  }
}
