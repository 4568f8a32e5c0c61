import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { DeliveryQuery, DeliveryRecord, GitHub } from "../../github/types.ts";
import { sleep } from "../../kube/abort.ts";
import { isApiError } from "../../kube/api-error.ts";
import type { Client } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf, type ObjectKey } from "../../kube/object.ts";
import type { JobsCaught } from "../../telemetry/jobs-caught.ts";
import { type Clock, isoTime } from "../../util/clock.ts";
import { type SweptApp, sweptApps } from "./apps.ts";
import { nextMark, since, type Survey, survey, type UnresolvedEvent } from "./deliveries.ts";
import type { Periods } from "./periods.ts";
import { factsOf, takeTurn, Turn, type TurnOptions } from "./turn.ts";

/** Pages of 100 that one sweep reads of one App. */
const maxPages = 60;
/** Redeliveries that one sweep asks for, of one App; the rest is for the next one. */
const maxRedeliveries = 100;
/** Events that this process remembers of each sort; the oldest are forgotten, which costs a count or a call. */
const maxRemembered = 10_000;

/** RedeliveryOptions are what the redelivery sweep works with. */
export interface RedeliveryOptions extends TurnOptions {
  readonly apps: Informer<GitHubApp>;
  readonly client: Client<GitHubApp>;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  readonly caught: JobsCaught;
  readonly periods: Periods;
  readonly clock: Clock;
}

/**
 * RedeliverySweep has GitHub send again what it could not deliver: it never does so by itself. The mark in GitHubApp.status says up to
 * when everything is done with, so a restart or another leader goes on from there.
 */
export class RedeliverySweep {
  readonly #o: RedeliveryOptions;
  /** The newest mark of each App: ahead of the stored one by less than a step. */
  readonly #marksMs = new Map<string, number>();
  /** Events that were sent again, to be counted as caught once they have arrived; oldest first. */
  readonly #awaited = new Set<string>();
  /** Events that nothing more is done for, while one beside them still holds the mark; oldest first. */
  readonly #closed = new Set<string>();

  constructor(options: RedeliveryOptions) {
    this.#o = options;
  }

  /** sweep gives every App its turn. */
  async sweep(signal: AbortSignal): Promise<void> {
    const apps = sweptApps(this.#o.apps.store.list(), this.#o.github);
    for (const app of apps) {
      if (signal.aborted) return;
      const turn = new Turn(app, this.#o, maxPages + maxRedeliveries);
      await takeTurn("Redelivery", turn, this.#o, signal, async () => await this.#sweep(turn, signal));
    }
    const known = new Set(apps.map(({ key }) => key));
    for (const key of this.#marksMs.keys()) if (!known.has(key)) this.#marksMs.delete(key);
  }

  async #sweep(turn: Turn, signal: AbortSignal): Promise<void> {
    const { clock, periods } = this.#o;
    const nowMs = clock.now();
    const fromMs = since(this.#markMs(turn.app), nowMs, periods);
    const { deliveries, complete } = await this.#read(turn, fromMs, signal);
    const found = survey(deliveries, nowMs, periods);
    this.#settle(turn.app, found);
    const unresolved = found.unresolved.filter(({ guid }) => !this.#closed.has(guid));
    await this.#redeliver(turn, unresolved, signal);
    const open = unresolved.filter(({ guid }) => !this.#closed.has(guid)).map(({ firstAtMs }) => firstAtMs);
    if (!complete) {
      // What was not read may be anything, so the mark waits for it, but not for longer than for an event that fails.
      open.push(Math.max(fromMs, nowMs - periods.giveUpMs));
      this.#o.log.warn({ ...factsOf(turn.app), pages: maxPages }, "more failed deliveries than one sweep reads");
    }
    await this.#keepMark(turn.app, nextMark(fromMs, open, nowMs, periods), signal);
  }

  /**
   * Reads what the survey needs: first only the failed deliveries, which mostly are none, so that a busy App costs one call. Where there
   * are some, everything since the oldest of them, since a later delivery of the same event may have succeeded.
   */
  async #read(
    turn: Turn,
    fromMs: number,
    signal: AbortSignal,
  ): Promise<{ deliveries: readonly DeliveryRecord[]; complete: boolean }> {
    const failed = await this.#pages(turn, { failed: true }, fromMs, signal);
    const jobs = failed.deliveries.filter(({ event, succeeded }) => event === "workflow_job" && !succeeded);
    const oldest = jobs.at(-1);
    if (oldest === undefined) return { deliveries: [], complete: failed.complete };
    const all = await this.#pages(turn, {}, Date.parse(oldest.deliveredAt), signal);
    return { deliveries: all.deliveries, complete: failed.complete && all.complete };
  }

  async #pages(
    turn: Turn,
    query: DeliveryQuery,
    fromMs: number,
    signal: AbortSignal,
  ): Promise<{ deliveries: readonly DeliveryRecord[]; complete: boolean }> {
    const deliveries: DeliveryRecord[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < maxPages / 2; page += 1) {
      const read = await turn.call((github) => github.listDeliveries({ ...query, cursor }, signal));
      for (const delivery of read.deliveries) {
        if (Date.parse(delivery.deliveredAt) < Math.floor(fromMs / 1_000) * 1_000) return { deliveries, complete: true };
        deliveries.push(delivery);
      }
      if (read.next === undefined) return { deliveries, complete: true };
      cursor = read.next;
    }
    return { deliveries, complete: false };
  }

  /** Counts what has arrived since it was sent again, and says goodbye to what never will. */
  #settle(app: SweptApp, { delivered, givenUp }: Survey): void {
    const { caught, metrics, log } = this.#o;
    let arrived = 0;
    for (const guid of delivered) if (this.#awaited.delete(guid)) arrived += 1;
    if (arrived > 0) {
      caught.caught("Redelivery", arrived);
      log.info({ ...factsOf(app), deliveries: arrived }, "caught lost deliveries");
    }
    for (const { guid, action, firstAtMs } of givenUp) {
      this.#awaited.delete(guid);
      if (this.#closed.has(guid)) continue;
      remember(this.#closed, guid);
      metrics.redelivered("GivenUp");
      log.warn({ ...factsOf(app), delivery: guid, action, firstAt: isoTime(firstAtMs) }, "gave up a delivery");
    }
  }

  async #redeliver(turn: Turn, unresolved: readonly UnresolvedEvent[], signal: AbortSignal): Promise<void> {
    const { metrics, periods, log } = this.#o;
    for (const [index, { guid, action, deliveryId }] of unresolved.slice(0, maxRedeliveries).entries()) {
      if (index > 0) await sleep(periods.betweenRedeliveriesMs, signal);
      const answer = await turn.call((github) => github.redeliver(deliveryId, signal));
      if (answer === "accepted") {
        remember(this.#awaited, guid);
        metrics.redelivered("Accepted");
        log.debug({ delivery: guid, action }, "had a delivery sent again");
      } else {
        remember(this.#closed, guid);
        metrics.redelivered("Gone");
        log.warn({ ...factsOf(turn.app), delivery: guid, action }, "github does not keep a failed delivery any more");
      }
    }
  }

  /** The newest mark that any of the App's objects has: a mark speaks of the App, whichever object it was written to. */
  #markMs(app: SweptApp): number | undefined {
    const marks = app.objects.map(({ status }) => Date.parse(status?.redelivery?.checkedThrough ?? "")).filter(Number.isFinite);
    const kept = this.#marksMs.get(app.key);
    if (kept !== undefined) marks.push(kept);
    return marks.length === 0 ? undefined : Math.max(...marks);
  }

  async #keepMark(app: SweptApp, markMs: number, signal: AbortSignal): Promise<void> {
    this.#marksMs.set(app.key, markMs);
    const [first] = app.objects;
    if (first === undefined) return;
    // The controller of GitHubApps writes this status too, so the newest version is the base, and the patch holds the mark alone.
    const base = this.#o.apps.store.get(keyOf(first));
    if (base === undefined) return;
    const storedMs = Date.parse(base.status?.redelivery?.checkedThrough ?? "");
    if (Number.isFinite(storedMs) && markMs - storedMs < this.#o.periods.markStepMs) return;
    const status = { ...base.status, redelivery: { checkedThrough: isoTime(markMs) } };
    try {
      this.#o.apps.observe(await this.#o.client.patchStatus(base, status, { signal }));
    } catch (error) {
      if (!isApiError(error)) throw error;
      // Somebody was faster, or the API server is away: the next sweep writes it, and until then only a restart would read more.
      this.#o.log.debug({ ...factsOf(app), reason: error.reason }, "the mark could not be stored");
    }
  }
}

function remember(guids: Set<string>, guid: string): void {
  guids.add(guid);
  for (const oldest of guids) {
    if (guids.size <= maxRemembered) break;
    guids.delete(oldest);
  }
}
