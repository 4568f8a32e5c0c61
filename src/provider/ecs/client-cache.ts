import { BoundedMap } from "./bounded-map.ts";

/** More accounts and Regions than anybody has; an evicted client is made again when it is needed. */
const maxClients = 64;

/** ClientCache keeps one SDK client of a service for each place that needs one of its own, such as an account and Region. */
export class ClientCache<Place, Sender extends { readonly client: { destroy(): void } }> {
  readonly #open: (place: Place) => Promise<Sender>;
  readonly #keyOf: (place: Place) => string;
  /** Promises, so that the first calls at once share one client; a failed one is removed. */
  readonly #senders = new BoundedMap<string, Promise<Sender>>(maxClients);

  constructor(open: (place: Place) => Promise<Sender>, keyOf: (place: Place) => string) {
    this.#open = open;
    this.#keyOf = keyOf;
  }

  get(place: Place): Promise<Sender> {
    const key = this.#keyOf(place);
    const known = this.#senders.get(key);
    if (known !== undefined) {
      this.#senders.set(key, known);
      return known;
    }
    const opening = this.#open(place);
    this.#senders.set(key, opening);
    opening.catch(() => {
      if (this.#senders.get(key) === opening) this.#senders.delete(key);
    });
    return opening;
  }

  /** close ends all connections; calls in flight fail. */
  async close(): Promise<void> {
    const senders = [...this.#senders.values()];
    this.#senders.clear();
    for (const sender of await Promise.allSettled(senders)) {
      if (sender.status === "fulfilled") sender.value.client.destroy();
    }
  }
}
