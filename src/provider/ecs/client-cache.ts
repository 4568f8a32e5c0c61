import { BoundedMap } from "./bounded-map.ts";
import { accountKey, type EcsConnection } from "./connection.ts";

/** More accounts and Regions than anybody has; an evicted client is made again when it is needed. */
const maxClients = 64;

/** ClientCache keeps one SDK client of a service for each account and Region. */
export class ClientCache<Sender extends { readonly client: { destroy(): void } }> {
  readonly #open: (connection: EcsConnection) => Promise<Sender>;
  /** Promises, so that the first calls at once share one client; a failed one is removed. */
  readonly #senders = new BoundedMap<string, Promise<Sender>>(maxClients);

  constructor(open: (connection: EcsConnection) => Promise<Sender>) {
    this.#open = open;
  }

  get(connection: EcsConnection): Promise<Sender> {
    const key = accountKey(connection);
    const known = this.#senders.get(key);
    if (known !== undefined) {
      this.#senders.set(key, known);
      return known;
    }
    const opening = this.#open(connection);
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
