import type { App, Job } from "../state/model.ts";
import type { World } from "../state/world.ts";

/** Event is something that happened at GitHub and that an App is told about: one guid, one body, however often it is sent. */
export interface Event {
  readonly guid: string;
  readonly name: string;
  readonly action: string | undefined;
  readonly app: App;
  readonly body: string;
  readonly installationId: number | undefined;
  readonly repositoryId: number | undefined;
  readonly repository: string | undefined;
  readonly job: Job | undefined;
}

/** Delivery is one attempt to send an event. */
export interface Delivery {
  /** 64 bits, beyond what a double can hold: whoever parses it as a number asks for a delivery that does not exist. */
  readonly id: bigint;
  readonly event: Event;
  readonly redelivery: boolean;
  readonly deliveredAt: number;
  readonly throttledAt: number | undefined;
  readonly url: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** "OK" for every 2xx, otherwise what went wrong. */
  readonly status: string;
  readonly statusCode: number;
  readonly durationMs: number;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string;
}

const firstId = 1_900_000_000_000_000_000n;
/** How far back GitHub remembers deliveries, and redelivers them. */
const memoryMs = 3 * 24 * 60 * 60 * 1000;

/** A payload has some kB, and a long run must not fill the memory with them. */
const mostKept = 20_000;

/** DeliveryLog is GitHub's list of recent deliveries of every App. */
export class DeliveryLog {
  readonly #world: World;
  readonly #deliveries: Delivery[] = [];
  #nextId = firstId;

  constructor(world: World) {
    this.#world = world;
  }

  add(delivery: Omit<Delivery, "id">): Delivery {
    // Uneven steps, so that no two ids round to the same double by luck only.
    this.#nextId += BigInt(1 + this.#world.random.below(7));
    const logged = { id: this.#nextId, ...delivery };
    this.#deliveries.push(logged);
    if (this.#deliveries.length > mostKept) this.#deliveries.splice(0, mostKept / 10);
    return logged;
  }

  /** Newest first, as the API lists them. */
  list(app?: App): Delivery[] {
    const since = this.#world.now() - memoryMs;
    const recent = this.#deliveries.filter((delivery) => (!app || delivery.event.app === app) && delivery.deliveredAt >= since);
    return recent.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  get(app: App, id: bigint): Delivery | undefined {
    return this.list(app).find((delivery) => delivery.id === id);
  }
}
