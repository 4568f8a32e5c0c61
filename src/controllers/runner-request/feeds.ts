import { sleep } from "../../kube/abort.ts";
import { Backoff } from "../../kube/backoff.ts";
import { isProviderError, ProviderError } from "../../provider/errors.ts";
import type { Delivery, Feed, Provider, ResolvedClass } from "../../provider/types.ts";
import type { Logger } from "../../telemetry/log.ts";
import { Alarm } from "../../util/alarm.ts";
import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import type { FeedHealth } from "./feed-health.ts";
import type { FeedMetrics } from "./feed-metrics.ts";
import type { InstanceWatcher } from "./instances.ts";
import type { RequestPeriods } from "./periods.ts";
import type { ClassKey } from "./world.ts";

export interface FeedsOptions {
  readonly classes: () => Iterable<ResolvedClass>;
  readonly provider: (classKind: string) => Provider | undefined;
  readonly instances: Pick<InstanceWatcher, "observe" | "feedBegan">;
  readonly health: FeedHealth;
  readonly metrics: FeedMetrics;
  /** Has a class checked again: what is wrong with its feed is said there. */
  readonly recheck: (cls: ClassKey) => void;
  /** Says that a class' feed lives and does not tell what it should. */
  readonly deaf: (cls: ClassKey, feed: Feed) => void;
  readonly clock: Clock;
  readonly periods: Pick<RequestPeriods, "feedRetryMs" | "longestFeedRetryMs" | "feedLogPauseMs">;
  readonly log: Logger;
}

/** Stream is one feed that is being read. */
interface Stream {
  readonly feed: Feed;
  readonly stop: AbortController;
  /** Those that share it; they change while it is read. */
  classes: readonly ClassKey[];
  /** It did not answer for longer than a feed may, or never did; said once. */
  down: boolean;
  /** Messages that could not be read are named at most once in a pause. */
  logPause: Wait | undefined;
  unreadable: number;
}

/**
 * Feeds reads what backends push, each feed once however many classes share it, and hands it to the InstanceWatcher. It runs in the
 * leader only. A feed that fails is tried again for as long as a class names it; meanwhile instances are read as without one.
 */
export class Feeds {
  readonly name = "feeds";
  readonly #o: FeedsOptions;
  /** By key of the feed. */
  readonly #streams = new Map<string, Stream>();
  /** Loops that have not ended: those of #streams, and those that were just told to stop. */
  readonly #loops = new Set<Promise<void>>();
  readonly #alarm = new Alarm();

  constructor(options: FeedsOptions) {
    this.#o = options;
  }

  /** soon has the feeds compared with the classes, which have changed. */
  soon(): void {
    this.#alarm.ring();
  }

  /** run reads the feeds of all classes until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#match();
      await this.#alarm.sleep(Number.POSITIVE_INFINITY, signal);
    }
    for (const { stop } of this.#streams.values()) stop.abort();
    await Promise.all(this.#loops);
  }

  /** Begins to read the feeds that classes name, and leaves those that none names any more. */
  #match(): void {
    const wanted = new Map<string, { readonly feed: Feed; readonly classes: ClassKey[] }>();
    for (const cls of this.#o.classes()) {
      const feed = this.#o.provider(cls.kind)?.feed?.(cls);
      if (feed === undefined) continue;
      const same = wanted.get(feed.key) ?? { feed, classes: [] };
      same.classes.push({ kind: cls.kind, namespace: cls.namespace, name: cls.name });
      wanted.set(feed.key, same);
    }
    for (const [key, { stop }] of this.#streams) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#streams.delete(key);
    }
    this.#o.health.assign(new Map([...wanted].map(([key, { classes }]) => [key, classes])));
    for (const [key, { feed, classes }] of wanted) {
      const known = this.#streams.get(key);
      if (known === undefined) this.#begin({ feed, classes, ...begun() });
      else known.classes = classes;
    }
    this.#count();
  }

  #begin(stream: Stream): void {
    this.#streams.set(stream.feed.key, stream);
    const loop = this.#follow(stream).finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
  }

  /** Reads a feed until it is told to stop. It never rejects. */
  async #follow(stream: Stream): Promise<void> {
    const { feedRetryMs, longestFeedRetryMs } = this.#o.periods;
    const backoff = new Backoff({ minMs: feedRetryMs, maxMs: longestFeedRetryMs });
    const { signal } = stream.stop;
    let failures = 0;
    while (!signal.aborted) {
      let error: unknown = new ProviderError("Unavailable", "the feed ended by itself");
      let settled = false;
      try {
        for await (const delivery of stream.feed.open(signal)) {
          if (signal.aborted) return;
          // The first one says only that it can be read: what could not be removed comes again each time it is opened.
          if (settled) {
            failures = 0;
            backoff.reset();
          }
          settled = true;
          this.#take(stream, delivery);
        }
      } catch (thrown) {
        error = thrown;
      }
      if (signal.aborted) return;
      failures += 1;
      this.#failed(stream, error, failures);
      const retryAfterMs = isProviderError(error) ? (error.retryAfterMs ?? 0) : 0;
      await sleep(Math.max(backoff.next(), retryAfterMs), signal);
    }
  }

  #take(stream: Stream, { instances, foreign, unreadable }: Delivery): void {
    const { health, metrics, log } = this.#o;
    if (health.received(stream.feed.key)) {
      // Before what it brought is taken in: whatever was there already may have changed unheard.
      this.#o.instances.feedBegan(stream.classes);
      log.info({ feed: stream.feed.address, classes: stream.classes }, "reading events of instances");
      if (stream.down) this.#recheck(stream);
      stream.down = false;
      this.#count();
    }
    for (const instance of instances) metrics.messages(this.#o.instances.observe(instance), 1);
    metrics.messages("foreign", foreign);
    metrics.messages("unreadable", unreadable.length);
    if (unreadable.length > 0) this.#tellUnreadable(stream, unreadable);
    for (const cls of health.takeDeaf(stream.feed.key)) {
      log.warn({ feed: stream.feed.address, class: cls }, "instances changed and no event told of it, reading them by polling");
      this.#o.deaf(cls, stream.feed);
    }
  }

  #failed(stream: Stream, error: unknown, failures: number): void {
    this.#o.metrics.failed(isProviderError(error) ? error.code : "Internal");
    this.#o.log.warn({ err: error, feed: stream.feed.address, failures }, "could not read events of instances");
    if (stream.down || this.#o.health.isLive(stream.feed.key)) return;
    stream.down = true;
    this.#recheck(stream);
    this.#count();
  }

  /** Their bodies stay out of the log: an event of a task holds its environment. */
  #tellUnreadable(stream: Stream, why: readonly string[]): void {
    const nowMs = this.#o.clock.now();
    stream.unreadable += why.length;
    if (stream.logPause?.isOver(nowMs) === false) return;
    const fields = { feed: stream.feed.address, messages: stream.unreadable, why: [...new Set(why)] };
    this.#o.log.warn(fields, "removed messages that are no events");
    stream.logPause = new Wait(nowMs, this.#o.periods.feedLogPauseMs);
    stream.unreadable = 0;
  }

  #recheck({ classes }: Stream): void {
    for (const cls of classes) this.#o.recheck(cls);
  }

  #count(): void {
    const live = [...this.#streams.keys()].filter((key) => this.#o.health.isLive(key)).length;
    this.#o.metrics.feeds(live, this.#streams.size - live);
  }
}

function begun(): Omit<Stream, "feed" | "classes"> {
  return { stop: new AbortController(), down: false, logPause: undefined, unreadable: 0 };
}
