import { randomBytes } from "node:crypto";
import type { Logger } from "../telemetry/log.ts";
import { type Clock, systemClock } from "../util/clock.ts";
import { sleep } from "./abort.ts";
import { isApiError } from "./api-error.ts";
import { Client, ignoreNotFound } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import type { KubeMetrics } from "./metrics.ts";
import { type DeepReadonly, deepFreeze, type KubeObject } from "./object.ts";
import { type Event, events } from "./resource.ts";

/** RecorderOptions say who publishes. */
export interface RecorderOptions {
  readonly cluster: Cluster;
  /** reportingController: "example.dev/operator". */
  readonly component: string;
  /** reportingInstance: the pod's name. */
  readonly instance: string;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  readonly clock?: Clock;
}

/** EventDetails are what an Event says; reason and action are constants, the note is a sentence for people. */
export interface EventDetails<Reason extends string = string> {
  readonly type: "Normal" | "Warning";
  readonly reason: Reason;
  readonly action: string;
  readonly note: string;
}

/** Entry is one Event: new, or a series that goes on. */
interface Entry {
  readonly key: string;
  readonly draft: Event;
  /** Its place among the Events of this process: microseconds, no two alike. */
  readonly stamp: number;
  /** As the API server has it, once it is published. */
  published: DeepReadonly<Event> | undefined;
  count: number;
  lastMs: number;
  queued: boolean;
  /** Set while a repetition waits for seriesIntervalMs to pass. */
  timer: NodeJS.Timeout | undefined;
  writtenMs: number;
}

const dedupeMs = 120_000;
const maxQueued = 1_000;
const maxRemembered = 2_000;
const maxTries = 4;
// A repetition is worth a write, but not each one: the count is brought up to date at most this often.
const seriesIntervalMs = 10_000;

/**
 * Recorder publishes events.k8s.io/v1 Events in the background. Nothing waits for it and nothing fails because of it:
 * what cannot be written is tried a few times and then counted and dropped, as is what exceeds the queue. `Reason` is the closed list
 * of the reasons that its users may give.
 */
export class Recorder<Reason extends string> {
  readonly #options: RecorderOptions;
  readonly #client: Client<Event>;
  readonly #clock: Clock;
  /** Entries by object, reason and note, oldest first: at most maxRemembered. */
  readonly #entries = new Map<string, Entry>();
  /** Entries to be written, in order: at most maxQueued from #next on; an entry is among those once (`queued`). */
  readonly #queue: Entry[] = [];
  /** Where the next one is; those before it were taken out. */
  #next = 0;
  /** That of the newest entry. */
  #stamp = 0;
  #writing: Promise<void> | undefined;
  #warnedOfDrop = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#client = new Client(options.cluster, events);
    this.#clock = options.clock ?? systemClock;
  }

  /** event publishes what happened to an object; the same again within two minutes counts up a series instead. It never throws. */
  event(regarding: DeepReadonly<KubeObject>, details: EventDetails<Reason>): void {
    const nowMs = this.#clock.now();
    const key = JSON.stringify([regarding.metadata.uid ?? regarding.metadata.name, details.reason, details.note]);
    const known = this.#entries.get(key);
    if (known !== undefined && nowMs - known.lastMs < dedupeMs) {
      known.count++;
      known.lastMs = nowMs;
      this.#repeat(known, nowMs);
      return;
    }
    if (known?.timer !== undefined) clearTimeout(known.timer);
    this.#stamp = Math.max(nowMs * 1_000, this.#stamp + 1);
    const entry: Entry = {
      key,
      draft: this.#draft(regarding, details, nowMs),
      stamp: this.#stamp,
      published: undefined,
      count: 1,
      lastMs: nowMs,
      queued: false,
      timer: undefined,
      writtenMs: Number.NEGATIVE_INFINITY,
    };
    this.#remember(entry);
    this.#enqueue(entry);
  }

  /** flush writes what is queued or waits for its interval, as far as the time allows; call it last when stopping. It never rejects. */
  async flush(limitMs = 5_000): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (entry.timer === undefined) continue;
      clearTimeout(entry.timer);
      entry.timer = undefined;
      this.#enqueue(entry);
    }
    if (this.#writing === undefined) return;
    const cancel = new AbortController();
    const late = await Promise.race([this.#writing.then(() => false), sleep(limitMs, cancel.signal)]);
    cancel.abort();
    if (late) this.#options.log.warn({ limitMs }, "events are left unpublished: the API server takes too long");
  }

  #remember(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    for (const [key, oldest] of this.#entries) {
      const stale = entry.lastMs - oldest.lastMs >= dedupeMs && oldest.timer === undefined && !oldest.queued;
      if (!stale && this.#entries.size <= maxRemembered) break;
      clearTimeout(oldest.timer);
      this.#entries.delete(key);
    }
  }

  #repeat(entry: Entry, nowMs: number): void {
    // Moved to the end: the map stays ordered by when an entry was last seen, which is what #remember drops by.
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    if (entry.queued || entry.timer !== undefined) return;
    const waitMs = entry.writtenMs + seriesIntervalMs - nowMs;
    if (waitMs <= 0) {
      this.#enqueue(entry);
      return;
    }
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      this.#enqueue(entry);
    }, waitMs);
    entry.timer.unref();
  }

  #enqueue(entry: Entry): void {
    if (entry.queued) return;
    if (this.#queue.length - this.#next >= maxQueued) {
      this.#options.metrics.published("dropped");
      if (!this.#warnedOfDrop) this.#options.log.warn({ queued: maxQueued }, "events are dropped: the queue is full");
      this.#warnedOfDrop = true;
      return;
    }
    entry.queued = true;
    this.#queue.push(entry);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    while (this.#next < this.#queue.length) {
      const entry = this.#queue[this.#next++] as Entry;
      // A busy spell may last: what was written goes, in large steps.
      if (this.#next === maxQueued) {
        this.#queue.splice(0, this.#next);
        this.#next = 0;
      }
      entry.queued = false;
      // From here on a repetition queues the entry again, behind this write.
      await this.#publish(entry);
    }
    this.#queue.length = 0;
    this.#next = 0;
    this.#warnedOfDrop = false;
  }

  async #publish(entry: Entry): Promise<void> {
    entry.writtenMs = this.#clock.now();
    for (let tries = 1; ; tries++) {
      try {
        this.#options.metrics.published(await this.#once(entry));
        return;
      } catch (error) {
        const again =
          isApiError(error) && (error.status === 0 || error.status === 429 || error.status >= 500 || error.status === 409);
        if (again && tries < maxTries) {
          if (error.status === 409) entry.published = await this.#reread(entry);
          await sleep(250 * 2 ** tries);
          continue;
        }
        this.#options.metrics.published("failed");
        // A namespace that is being deleted refuses Events as it refuses all else; that is no news.
        this.#options.log.debug({ err: error, reason: entry.draft.reason }, "could not publish an event");
        return;
      }
    }
  }

  async #once(entry: Entry): Promise<"created" | "updated"> {
    if (entry.published !== undefined && entry.count > 1) {
      const series = { count: entry.count, lastObservedTime: microTime(entry.lastMs) };
      const updated = await ignoreNotFound(this.#client.patchFields(entry.published, { series }));
      if (updated !== undefined) {
        entry.published = deepFreeze(updated);
        return "updated";
      }
      // Events live for an hour; a series may outlive its first one.
    }
    const draft: Event = { ...entry.draft, metadata: { ...entry.draft.metadata, name: nameOf(entry) } };
    // What was repeated before it could be published at all is a series from the start.
    if (entry.count > 1) draft.series = { count: entry.count, lastObservedTime: microTime(entry.lastMs) };
    entry.published = deepFreeze(await this.#client.create(draft));
    return "created";
  }

  async #reread(entry: Entry): Promise<DeepReadonly<Event> | undefined> {
    if (entry.published === undefined) return undefined;
    const { namespace = "default", name } = entry.published.metadata;
    try {
      const current = await ignoreNotFound(this.#client.get({ namespace, name }));
      return current === undefined ? undefined : deepFreeze(current);
    } catch {
      return entry.published;
    }
  }

  #draft(regarding: DeepReadonly<KubeObject>, details: EventDetails, nowMs: number): Event {
    const { name, namespace, uid, resourceVersion } = regarding.metadata;
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      // Events about cluster-scoped objects belong into "default", says the API.
      metadata: { name: "", namespace: namespace ?? "default" },
      // Of the same millisecond the later one is later; a clock that was put back is not held up for it.
      eventTime: microTime(nowMs, Math.min(this.#stamp - nowMs * 1_000, 999)),
      reportingController: this.#options.component,
      reportingInstance: this.#options.instance.slice(0, 128),
      type: details.type,
      reason: details.reason.slice(0, 128),
      action: details.action.slice(0, 128),
      note: cutNote(details.note),
      regarding: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
    };
  }
}

// The API server counts bytes, and refuses more than 1024.
function cutNote(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= 1_024) return note;
  // What the cut leaves of a character decodes to U+FFFD.
  return `${bytes.toString("utf8", 0, 1_021).replace(/\uFFFD+$/, "")}…`;
}

function microTime(ms: number, micros = 0): string {
  return new Date(ms).toISOString().replace("Z", `${String(micros).padStart(3, "0")}Z`);
}

/**
 * `kubectl describe` shows Events of this API group in the order of the API server's list, which is that of their names: so they are in the
 * order in which things happened. The random part tells processes apart.
 */
function nameOf({ draft, stamp }: Entry): string {
  const suffix = `${stamp.toString(16).padStart(14, "0")}${randomBytes(3).toString("hex")}`;
  return `${draft.regarding.name ?? "event"}.${suffix}`.slice(-253).replace(/^[^a-z0-9]+/, "");
}
