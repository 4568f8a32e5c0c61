import type { Random } from "../state/random.ts";
import type { Event } from "./log.ts";

/** webhookFaultKinds is everything that may happen to an event on its way. */
export const webhookFaultKinds = ["drop", "fail", "delay", "duplicate", "reorder", "hold", "throttle"] as const;
export type WebhookFaultKind = (typeof webhookFaultKinds)[number];

/**
 * WebhookFault describes which events suffer, and how.
 *
 * | kind | effect |
 * |---|---|
 * | drop | never sent and not in the delivery list: only a sweep over REST finds the job |
 * | fail | not sent, listed as failed: redelivery brings it |
 * | delay | sent `ms` later |
 * | duplicate | sent once and `copies` more times, under one guid |
 * | reorder | kept until `count` events have gathered, or `ms` have passed, then sent in another order |
 * | hold | kept until `release()` |
 * | throttle | as delay, and the delivery says that it was throttled |
 */
export interface WebhookFault {
  readonly kind: WebhookFaultKind;
  /** Of any event without it. */
  readonly event?: string;
  readonly action?: string;
  /** Full name, in any case. */
  readonly repository?: string;
  /** A job's id or name. */
  readonly job?: number | string;
  readonly times?: number;
  readonly skip?: number;
  readonly probability?: number;
  readonly ms?: number;
  readonly copies?: number;
  readonly count?: number;
}

/** WebhookFaultHandle is one planted webhook fault. */
export interface WebhookFaultHandle {
  readonly id: number;
  readonly fault: WebhookFault;
  readonly hits: number;
  /** Events that wait for `release()` or for enough company. */
  readonly waiting: number;
  release(): void;
  remove(): void;
}

/** PlantedFault is the dispatcher's side of a handle. */
export class PlantedFault implements WebhookFaultHandle {
  readonly id: number;
  readonly fault: WebhookFault;
  hits = 0;
  #seen = 0;
  #lifted = false;
  #kept: Event[] = [];
  readonly #send: (events: readonly Event[]) => void;
  readonly #random: Random;

  constructor(id: number, fault: WebhookFault, random: Random, send: (events: readonly Event[]) => void) {
    this.id = id;
    this.fault = fault;
    this.#random = random;
    this.#send = send;
  }

  get waiting(): number {
    return this.#kept.length;
  }

  get lifted(): boolean {
    return this.#lifted;
  }

  /** Counts a strike when the event matches and it is its turn. */
  strikes(event: Event): boolean {
    const { fault } = this;
    if (this.#lifted || this.hits >= (fault.times ?? 1)) return false;
    if (fault.event !== undefined && fault.event !== event.name) return false;
    if (fault.action !== undefined && fault.action !== event.action) return false;
    if (fault.repository !== undefined && fault.repository.toLowerCase() !== event.repository?.toLowerCase()) return false;
    if (fault.job !== undefined && fault.job !== event.job?.id && fault.job !== event.job?.name) return false;
    this.#seen += 1;
    if (this.#seen <= (fault.skip ?? 0)) return false;
    if (fault.probability !== undefined && this.#random.next() >= fault.probability) return false;
    this.hits += 1;
    return true;
  }

  keep(event: Event): void {
    this.#kept.push(event);
  }

  /** Sends what is kept: held events in their order, reordered ones never in it. */
  release(): void {
    const kept = this.#kept;
    this.#kept = [];
    if (this.fault.kind !== "reorder") return this.#send(kept);
    const mixed = this.#random.shuffled(kept);
    this.#send(mixed.length > 1 && mixed.every((event, index) => event === kept[index]) ? mixed.reverse() : mixed);
  }

  remove(): void {
    this.#lifted = true;
    this.release();
  }
}
