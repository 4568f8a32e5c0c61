import type { Instance } from "../../provider/types.ts";

/** More than the launches that can be under way at once; what exceeds it is read later. */
const maxEntries = 2_000;

/**
 * EarlyObservations keeps what was told of instances that nobody watches yet: a backend may tell of an instance before the answer of the
 * call that started it has been stored. The newest of each is kept, and the oldest entries go first.
 */
export class EarlyObservations {
  readonly #newest = new Map<string, Instance>();
  readonly #maxEntries: number;

  constructor(most = maxEntries) {
    this.#maxEntries = most;
  }

  /** note keeps an observation, unless a newer one of the instance is there. */
  note(instance: Instance): boolean {
    const known = this.#newest.get(instance.id);
    if (known !== undefined && instance.version <= known.version) return false;
    this.#newest.delete(instance.id);
    this.#newest.set(instance.id, instance);
    for (const oldest of this.#newest.keys()) {
      if (this.#newest.size <= this.#maxEntries) break;
      this.#newest.delete(oldest);
    }
    return true;
  }

  get(id: string): Instance | undefined {
    return this.#newest.get(id);
  }

  /** take returns what was told of an instance and forgets it. */
  take(id: string): Instance | undefined {
    const instance = this.#newest.get(id);
    this.#newest.delete(id);
    return instance;
  }
}
