import { isGitHubError } from "../../github/errors.ts";
import type { DeliveryQuery, DeliveryRecord, GitHub } from "../../github/types.ts";
import { sleep } from "../../kube/abort.ts";
import type { ObjectKey } from "../../kube/object.ts";
import type { JobsCaught } from "../../telemetry/jobs-caught.ts";
import { type Clock, isoTime } from "../../util/clock.ts";
import { type SweptApp, sweptApps } from "./apps.ts";
import { type Asked, enoughAsked, nextMark, since, survey, type UnresolvedEvent } from "./deliveries.ts";
import { Marks, type MarksOptions } from "./marks.ts";
import { factsOf, takeTurn, Turn, type TurnOptions } from "./turn.ts";

/** Pages of 100 that one sweep reads of one App, half of them of failed deliveries. */
const maxPages = 60;
/** Redeliveries that one sweep asks for, of one App; the rest is for the next one. */
const maxRedeliveries = 100;
/** Requests in a row that GitHub fails to take: then it is GitHub, and not the delivery. */
const maxFailures = 5;
/** Events that this process remembers of each sort of an App; the oldest are forgotten, which costs a count or a call. */
const maxRemembered = 10_000;

/** RedeliveryOptions are what the redelivery sweep works with. */
export interface RedeliveryOptions extends TurnOptions, MarksOptions {
  readonly github: (app: ObjectKey) => GitHub | undefined;
  readonly caught: JobsCaught;
  readonly clock: Clock;
}

interface Asks extends Asked {
  failed: number;
  /** Among them: GitHub knows no such delivery, or will not send it. */
  gone: number;
}

/** Memory is what is known of one App's events, by guid, the oldest first. A restart loses it, which costs counts and calls. */
interface Memory {
  /** Sent again, to be counted as caught once they have arrived. */
  readonly awaited: Map<string, true>;
  /** Nothing more is done for them, while one beside them still holds the mark. */
  readonly closed: Map<string, true>;
  /** What came of asking in vain. */
  readonly asks: Map<string, Asks>;
}

interface Pages {
  readonly deliveries: readonly DeliveryRecord[];
  readonly isComplete: boolean;
  /** GitHub's time, or ours where it does not tell. */
  readonly nowMs: number;
  readonly fromMs: number;
}

/**
 * RedeliverySweep has GitHub send again what it could not deliver: it never does so by itself. The mark in GitHubApp.status says up to
 * when everything is done with, so a restart or another leader goes on from there.
 */
export class RedeliverySweep {
  readonly #o: RedeliveryOptions;
  readonly #marks: Marks;
  /** By the App's key: what one server says of an event must not count for another's. */
  #memories = new Map<string, Memory>();

  constructor(options: RedeliveryOptions) {
    this.#o = options;
    this.#marks = new Marks(options);
  }

  /** sweep gives every App its turn. */
  async sweep(signal: AbortSignal): Promise<void> {
    const apps = sweptApps(this.#o.apps.store.list(), this.#o.github);
    const fresh = () => ({ awaited: new Map(), closed: new Map(), asks: new Map() });
    this.#memories = new Map(apps.map(({ key }) => [key, this.#memories.get(key) ?? fresh()]));
    for (const app of apps) {
      if (signal.aborted) return;
      const turn = new Turn(app, this.#o, maxPages + maxRedeliveries);
      await takeTurn("Redelivery", turn, this.#o, signal, async () => await this.#sweep(turn, this.#memoryOf(app), signal));
    }
    this.#marks.forget(apps);
  }

  async #sweep(turn: Turn, memory: Memory, signal: AbortSignal): Promise<void> {
    const { periods, log } = this.#o;
    const marks = this.#marks.of(turn.app);
    // Mostly none, so that a busy App costs one call.
    const failed = await this.#pages(turn, { failed: true }, (nowMs) => since(marks, nowMs, periods), signal);
    const { nowMs, fromMs } = failed;
    await this.#settle(turn, memory, failed, signal);
    const { unresolved, givenUp } = this.#survey(memory, failed);
    this.#giveUp(turn.app, memory, givenUp);
    try {
      await this.#redeliver(
        turn,
        memory,
        unresolved.filter(({ isDue }) => isDue),
        signal,
      );
    } finally {
      // However the turn ends: what was closed so far is done with, and must not be read again for ever.
      const open = unresolved.filter(({ guid }) => !memory.closed.has(guid)).map(({ firstAtMs }) => firstAtMs);
      if (!failed.isComplete) {
        // What was not read may be anything, so the mark waits for it, but not for longer than for an event that fails.
        open.push(Math.max(fromMs, nowMs - periods.giveUpMs));
        log.warn({ ...factsOf(turn.app), pages: maxPages / 2 }, "more failed deliveries than one sweep reads");
      }
      if (!signal.aborted) await this.#marks.keep(turn.app, nextMark(fromMs, open, nowMs, periods), nowMs, signal);
    }
  }

  #memoryOf({ key }: SweptApp): Memory {
    const memory = this.#memories.get(key);
    if (memory === undefined) throw new Error(`${key} is not swept`);
    return memory;
  }

  #survey({ closed, asks }: Memory, { deliveries, nowMs }: Pages): ReturnType<typeof survey> {
    return survey(
      deliveries,
      (guid) => closed.has(guid),
      (guid) => asks.get(guid),
      nowMs,
      this.#o.periods,
    );
  }

  async #pages(turn: Turn, query: DeliveryQuery, from: (nowMs: number) => number, signal: AbortSignal): Promise<Pages> {
    const deliveries: DeliveryRecord[] = [];
    let nowMs = this.#o.clock.now();
    let fromMs = from(nowMs);
    let cursor: string | undefined;
    for (let page = 0; page < maxPages / 2; page += 1) {
      const read = await turn.call("app", (github) => github.listDeliveries({ ...query, cursor }, signal));
      if (page === 0 && read.answeredAt !== undefined) {
        // Deliveries have GitHub's times, and this machine's clock may be wrong by any amount.
        nowMs = Date.parse(read.answeredAt);
        fromMs = from(nowMs);
      }
      for (const delivery of read.deliveries) {
        if (Date.parse(delivery.deliveredAt) < Math.floor(fromMs / 1_000) * 1_000)
          return { deliveries, isComplete: true, nowMs, fromMs };
        deliveries.push(delivery);
      }
      if (read.next === undefined) return { deliveries, isComplete: true, nowMs, fromMs };
      cursor = read.next;
    }
    return { deliveries, isComplete: false, nowMs, fromMs };
  }

  /**
   * Closes what has arrived since, and counts what had been sent again. Only a list of everything shows that: where something failed, it
   * is read back to the oldest of that. What lies beyond its pages is sent again although it may have arrived, which changes nothing.
   */
  async #settle(turn: Turn, memory: Memory, failed: Pages, signal: AbortSignal): Promise<void> {
    const { caught, log } = this.#o;
    const { unresolved, givenUp } = this.#survey(memory, failed);
    // The newest try of one that is not due has failed.
    const open = new Map([...unresolved.filter(({ isDue }) => isDue), ...givenUp].map((event) => [event.guid, event]));
    if (open.size === 0) return;
    const oldestMs = Math.min(...[...open.values()].map(({ firstAtMs }) => firstAtMs));
    const all = await this.#pages(turn, {}, () => oldestMs, signal);
    if (!all.isComplete) {
      log.info({ ...factsOf(turn.app), pages: maxPages / 2 }, "more deliveries since the oldest failed one than one sweep reads");
    }
    let arrived = 0;
    for (const { guid, succeeded } of all.deliveries) {
      if (!succeeded || !open.delete(guid)) continue;
      if (memory.awaited.delete(guid)) arrived += 1;
      remember(memory.closed, guid, true);
    }
    if (arrived === 0) return;
    caught.caught("Redelivery", arrived);
    log.info({ ...factsOf(turn.app), deliveries: arrived }, "caught lost deliveries");
  }

  /** Says goodbye to what will never arrive. */
  #giveUp(app: SweptApp, memory: Memory, givenUp: readonly UnresolvedEvent[]): void {
    for (const { guid, action, firstAtMs } of givenUp) {
      memory.awaited.delete(guid);
      remember(memory.closed, guid, true);
      this.#o.metrics.redelivered("GivenUp");
      this.#o.log.warn({ ...factsOf(app), delivery: guid, action, firstAt: isoTime(firstAtMs) }, "gave up a delivery");
    }
  }

  async #redeliver(turn: Turn, memory: Memory, due: readonly UnresolvedEvent[], signal: AbortSignal): Promise<void> {
    const { metrics, periods, log } = this.#o;
    let failures = 0;
    for (const [index, event] of due.slice(0, maxRedeliveries).entries()) {
      const { guid, action, deliveryId } = event;
      if (index > 0 && !(await sleep(periods.betweenRedeliveriesMs, signal))) return;
      try {
        const answer = await turn.call("app", (github) => github.redeliver(deliveryId, signal));
        failures = 0;
        if (answer === "gone") {
          this.#gone(turn.app, memory, event);
          continue;
        }
        remember(memory.awaited, guid, true);
        metrics.redelivered("Accepted");
        log.debug({ delivery: guid, action }, "had a delivery sent again");
      } catch (error) {
        // One delivery that GitHub chokes on must not keep the others from being sent: it comes last from now on.
        if (!isGitHubError(error) || error.code === "RateLimited" || error.code === "Unauthorized") throw error;
        const { failed } = asked(memory, guid);
        metrics.redelivered("Failed");
        const line = { ...factsOf(turn.app), delivery: guid, action, code: error.code };
        log[failed === 1 ? "warn" : "debug"](line, "could not have a delivery sent again");
        failures += 1;
        if (failures === maxFailures) throw error;
      }
    }
  }

  /** Closes an event that GitHub does not keep any more, once it has said so more than once: a 404 may also be a passing fault. */
  #gone(app: SweptApp, memory: Memory, { guid, action }: UnresolvedEvent): void {
    const asks = asked(memory, guid);
    asks.gone += 1;
    if (asks.gone < enoughAsked) return;
    remember(memory.closed, guid, true);
    this.#o.metrics.redelivered("Gone");
    this.#o.log.warn({ ...factsOf(app), delivery: guid, action }, "github does not keep a failed delivery any more");
  }
}

function asked(memory: Memory, guid: string): Asks {
  const asks = memory.asks.get(guid) ?? { failed: 0, gone: 0 };
  asks.failed += 1;
  remember(memory.asks, guid, asks);
  return asks;
}

function remember<V>(known: Map<string, V>, guid: string, value: V): void {
  known.set(guid, value);
  for (const oldest of known.keys()) {
    if (known.size <= maxRemembered) break;
    known.delete(oldest);
  }
}
