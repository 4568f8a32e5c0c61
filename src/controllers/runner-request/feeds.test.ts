import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ProviderError } from "../../provider/errors.ts";
import type { Delivery, Feed, Instance, Provider, ResolvedClass } from "../../provider/types.ts";
import { createLogger } from "../../telemetry/log.ts";
import { createRegistry } from "../../telemetry/metrics.ts";
import { FeedHealth } from "./feed-health.ts";
import { FeedMetrics } from "./feed-metrics.ts";
import { Feeds } from "./feeds.ts";
import type { ClassKey } from "./world.ts";

/** A feed that a test writes to. */
class Tap implements Feed {
  readonly address = "https://feeds.example";
  readonly key: string;
  readers = 0;
  opened = 0;
  failure: Error | undefined;
  readonly #waiting: Partial<Delivery>[] = [];
  #ring: (() => void) | undefined;

  constructor(key: string) {
    this.key = key;
  }

  async *open(signal: AbortSignal): AsyncGenerator<Delivery, void, undefined> {
    this.readers += 1;
    this.opened += 1;
    signal.addEventListener("abort", () => this.#ring?.(), { once: true });
    try {
      this.#check();
      yield { instances: [], foreign: 0, unreadable: [] };
      while (true) {
        signal.throwIfAborted();
        this.#check();
        const next = this.#waiting.shift();
        if (next !== undefined) yield { instances: [], foreign: 0, unreadable: [], ...next };
        else await new Promise<void>((resolve) => (this.#ring = resolve));
      }
    } finally {
      this.readers -= 1;
    }
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  push(delivery: Partial<Delivery> = {}): void {
    this.#waiting.push(delivery);
    this.#ring?.();
  }

  fail(error: Error): void {
    this.failure = error;
    this.#ring?.();
  }
}

const instance: Instance = { id: "i", state: "Running", version: 1 };

describe("Feeds", () => {
  let nowMs: number;
  /** The class' names and their feeds. */
  let classes: Map<string, Tap>;
  let observed: Instance[];
  let rechecked: ClassKey[];
  let began: string[][];
  let log: string;
  let feeds: Feeds;
  let health: FeedHealth;
  let registry: ReturnType<typeof createRegistry>;

  beforeEach(() => {
    nowMs = 3_600_000;
    classes = new Map();
    [observed, rechecked, began, log] = [[], [], [], ""];
    registry = createRegistry();
    const clock = { now: () => nowMs };
    health = new FeedHealth(clock, { feedSuspectMs: 60_000 });
    const provider: Partial<Provider> = { feed: ({ name }) => classes.get(name) };
    feeds = new Feeds({
      classes: () => [...classes.keys()].map((name) => ({ kind: "K", namespace: "ns", name }) as ResolvedClass),
      provider: (kind) => (kind === "K" ? (provider as Provider) : undefined),
      instances: {
        observe: (each) => {
          observed.push(each);
          return "taken";
        },
        feedBegan: (each) => began.push(each.map(({ name }) => name)),
      },
      health,
      metrics: new FeedMetrics(registry),
      recheck: (cls) => rechecked.push(cls),
      deaf: () => undefined,
      clock,
      periods: { feedRetryMs: 1, longestFeedRetryMs: 4, feedLogPauseMs: 60_000 },
      log: createLogger({ level: "info", destination: { write: (line: string) => void (log += line) } }),
    });
  });

  function run(): { readonly stop: () => Promise<void> } {
    const stop = new AbortController();
    const running = feeds.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    onTestFinished(end);
    return { stop: end };
  }

  const value = async (name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> => {
    const metric = await registry.getSingleMetric(name)?.get();
    const wanted = JSON.stringify(labels);
    return metric?.values.find((series) => JSON.stringify(series.labels) === wanted)?.value;
  };

  it("reads a feed once for all classes that share it, and hands on and counts what it brings", async () => {
    const tap = new Tap("q");
    for (const name of ["a", "b"]) classes.set(name, tap);
    run();
    tap.push({ instances: [instance], foreign: 2, unreadable: ["not JSON"] });
    await expect.poll(() => observed).toEqual([instance]);
    expect([tap.opened, began]).toEqual([1, [["a", "b"]]]);
    expect(await value("getabako_feed_messages_total", { outcome: "taken" })).toBe(1);
    expect(await value("getabako_feed_messages_total", { outcome: "foreign" })).toBe(2);
    expect(await value("getabako_feed_messages_total", { outcome: "unreadable" })).toBe(1);
    expect(await value("getabako_feeds", { state: "live" })).toBe(1);
  });

  it("follows the classes: a feed is read as long as one of them names it, without a break", async () => {
    const [tap, other] = [new Tap("q"), new Tap("other")];
    for (const name of ["a", "b"]) classes.set(name, tap);
    run();
    await expect.poll(() => health.isLive("q")).toBe(true);
    classes.set("a", other);
    feeds.soon();
    await expect.poll(() => other.readers).toBe(1);
    expect([tap.readers, tap.opened]).toEqual([1, 1]);
    classes.delete("b");
    feeds.soon();
    await expect.poll(() => tap.readers).toBe(0);
    expect(other.readers).toBe(1);
  });

  it("tries a feed that fails again for as long as it takes, and has the class checked when it is down and when it is back", async () => {
    const tap = new Tap("q");
    classes.set("a", tap);
    tap.failure = new ProviderError("Unauthorized", "the queue is not yours");
    run();
    await expect.poll(() => tap.opened).toBeGreaterThan(3);
    expect(rechecked).toEqual([{ kind: "K", namespace: "ns", name: "a" }]);
    expect(await value("getabako_feeds", { state: "down" })).toBe(1);
    expect(await value("getabako_feed_failures_total", { code: "Unauthorized" })).toBeGreaterThan(2);
    expect(log).toContain("the queue is not yours");
    tap.failure = undefined;
    await expect.poll(() => health.isLive("q")).toBe(true);
    expect([rechecked.length, began]).toEqual([2, [["a"]]]);
    tap.push({ instances: [instance] });
    await expect.poll(() => observed).toHaveLength(1);
  });

  it("tries ever more seldom where a feed can be read and not settled", async () => {
    const tap = new Tap("q");
    tap.open = async function* () {
      yield { instances: [instance], foreign: 0, unreadable: [] };
      throw new ProviderError("Unauthorized", "nothing may be removed");
    };
    classes.set("a", tap);
    run();
    await expect.poll(() => log).toContain('"failures":3');
  });

  it("makes nothing of a failure that the next try mends", async () => {
    const tap = new Tap("q");
    classes.set("a", tap);
    run();
    await expect.poll(() => health.isLive("q")).toBe(true);
    tap.fail(new Error("not a ProviderError"));
    await expect.poll(() => tap.opened).toBeGreaterThan(1);
    tap.failure = undefined;
    tap.push({ instances: [instance] });
    await expect.poll(() => observed).toHaveLength(1);
    expect([rechecked, began]).toEqual([[], [["a"]]]);
  });

  it("names messages that cannot be read once in a pause, with their number", async () => {
    const tap = new Tap("q");
    classes.set("a", tap);
    run();
    const lines = (): number[] => [...log.matchAll(/"messages":(\d+)/g)].map((match) => Number(match[1]));
    for (let count = 0; count < 3; count++) tap.push({ unreadable: ["not JSON"] });
    tap.push({ instances: [instance] });
    await expect.poll(() => observed).toHaveLength(1);
    expect(lines()).toEqual([1]);
    nowMs += 60_000;
    tap.push({ unreadable: ["too long"] });
    await expect.poll(() => lines()).toEqual([1, 3]);
  });

  it("ends with its signal, and no reader is left", async () => {
    const tap = new Tap("q");
    classes.set("a", tap);
    const { stop } = run();
    await expect.poll(() => tap.readers).toBe(1);
    await stop();
    expect(tap.readers).toBe(0);
  });
});
