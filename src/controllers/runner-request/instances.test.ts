import { beforeEach, describe, expect, it } from "vitest";
import type { Instance, Provider } from "../../provider/types.ts";
import { silentLogger } from "../../telemetry/log.ts";
import { FeedHealth } from "./feed-health.ts";
import { InstanceWatcher } from "./instances.ts";
import { requestPeriods } from "./periods.ts";

const never = new AbortController().signal;
const minute = 60_000;
const uid = "0f5c1f0e-6f0a-4f43-9d9e-6f6f5b2a9a11";
const cls = { kind: "ECSRunnerClass", namespace: "default", name: "fargate" };
const place = { classRef: cls, connection: {} };
const key = (id: string) => ({ namespace: "default", name: id });

function instance(id: string, version: number, state: Instance["state"] = "Running"): Instance {
  return { id, version, state, requestUid: uid };
}

describe("InstanceWatcher with a feed", () => {
  let nowMs: number;
  let health: FeedHealth;
  let watcher: InstanceWatcher;
  /** What the backend would answer, what it was asked for, and who was woken. */
  let backend: Map<string, Instance | "gone">;
  let reads: string[][];
  let woken: string[];

  beforeEach(() => {
    nowMs = 1_000 * minute;
    backend = new Map();
    reads = [];
    woken = [];
    const clock = { now: () => nowMs };
    health = new FeedHealth(clock, requestPeriods);
    health.assign(new Map([["q", [cls]]]));
    health.received("q");
    const provider: Partial<Provider> = {
      get: async (_place, ids) => {
        reads.push([...ids]);
        return new Map(ids.flatMap((id) => (backend.has(id) ? [[id, backend.get(id) ?? "gone"] as const] : [])));
      },
    };
    watcher = new InstanceWatcher({
      provider: () => provider as Provider,
      changed: ({ name }) => woken.push(name),
      clock,
      periods: requestPeriods,
      log: silentLogger(),
      feeds: health,
      knows: (requestUid) => requestUid === uid,
    });
  });

  /** Moves the clock on while the feed lives, and reads what is due. */
  async function pass(ms: number, alive = true): Promise<void> {
    for (let left = ms; left > 0; left -= 10_000) {
      nowMs += Math.min(left, 10_000);
      if (alive) health.received("q");
      await watcher.readDue(never);
    }
  }

  function watch(id: string, launchedMs = nowMs, withinMs: number = minute): void {
    watcher.watch(id, place, key(id), withinMs, { withinMs: requestPeriods.pollFedMs, launchedMs });
  }

  it("reads an instance that was told of every five minutes only, counted from the last news", async () => {
    watch("i");
    expect(watcher.observe(instance("i", 1, "Pending"))).toBe("taken");
    await pass(4 * minute);
    expect(watcher.observe(instance("i", 2))).toBe("taken");
    await pass(4.9 * minute);
    expect(reads).toEqual([]);
    await pass(0.2 * minute);
    expect(reads).toEqual([["i"]]);
  });

  it("reads at the usual pace while the class was told of nothing, though the feed lives", async () => {
    watch("i");
    await pass(minute);
    expect(reads).toEqual([["i"]]);
  });

  it("returns to the usual pace within a minute when the feed falls silent, in one call", async () => {
    for (const id of ["i", "j", "k"]) {
      watch(id);
      watcher.observe(instance(id, 1));
    }
    await pass(2 * minute);
    expect(reads).toEqual([]);
    await pass(minute, false);
    expect(reads).toEqual([["i", "j", "k"]]);
  });

  it("reads those due within half a minute along with one that is due", async () => {
    watch("i");
    watcher.observe(instance("i", 1));
    await pass(20_000);
    watch("j");
    watcher.observe(instance("j", 1));
    await pass(5 * minute);
    expect(reads).toEqual([["i", "j"]]);
  });

  it("drops what is older than what it knows, and duplicates, and wakes for news alone", () => {
    watch("i");
    expect(watcher.observe(instance("i", 4))).toBe("taken");
    expect(watcher.observe(instance("i", 4))).toBe("stale");
    expect(watcher.observe(instance("i", 3, "Pending"))).toBe("stale");
    expect(watcher.latest("i", place)).toMatchObject({ version: 4, state: "Running" });
    expect(watcher.observe(instance("i", 5))).toBe("taken");
    expect(woken).toEqual(["i"]);
    const stop = { category: "Interrupted", reason: "SpotInterruption", message: "" } as const;
    watcher.observe(instance("i", 6, "Stopping"));
    watcher.observe({ ...instance("i", 7, "Stopping"), stop });
    watcher.observe({ ...instance("i", 8, "Stopped"), stop });
    expect(woken).toEqual(["i", "i", "i", "i"]);
  });

  it("keeps what is told before anybody watches, and only of requests that exist", async () => {
    expect(watcher.observe({ ...instance("s", 1), requestUid: crypto.randomUUID() })).toBe("stranger");
    expect(watcher.observe({ ...instance("s", 1), requestUid: undefined })).toBe("stranger");
    expect(watcher.observe(instance("i", 2, "Pending"))).toBe("early");
    expect(watcher.observe(instance("i", 1, "Pending"))).toBe("stale");
    expect(watcher.latest("i", place)).toMatchObject({ version: 2 });
    watch("i");
    expect(watcher.latest("i", place)).toMatchObject({ version: 2 });
    expect(health.fedMs(cls)).toBeGreaterThan(0);
    await pass(2 * minute);
    expect(reads).toEqual([]);
  });

  it("looks once at what was launched before the feed began to tell", async () => {
    watcher.observe(instance("other", 1));
    watch("other");
    watch("old", nowMs - minute);
    backend.set("old", instance("old", 9));
    await pass(20_000);
    expect(reads).toEqual([["old"]]);
    expect(health.takeDeaf("q")).toEqual([]);
  });

  it("looks once at everything when the feed begins again", async () => {
    watch("i");
    watcher.observe(instance("i", 1));
    watcher.feedBegan([{ ...cls, name: "other" }]);
    await pass(minute);
    expect(reads).toEqual([]);
    watcher.feedBegan([cls]);
    await pass(minute);
    expect(reads).toEqual([["i"]]);
  });

  it("calls the feed deaf, and reads as without it, when a read brings what no event follows", async () => {
    for (const id of ["i", "j"]) {
      watch(id);
      watcher.observe(instance(id, 1));
    }
    for (const id of ["i", "j"]) backend.set(id, instance(id, 2, "Stopped"));
    await pass(5 * minute);
    expect(reads).toEqual([["i", "j"]]);
    expect(woken).toEqual(["i", "j", "i", "j"]);
    await pass(minute);
    expect(health.takeDeaf("q")).toEqual([cls]);
    watch("k");
    await pass(minute);
    expect(reads.at(-1)).toEqual(["k"]);
  });

  it("does not when the event was only on its way", async () => {
    watch("i");
    watcher.observe(instance("i", 1));
    backend.set("i", instance("i", 2));
    await pass(5 * minute);
    expect(watcher.observe(instance("i", 2))).toBe("stale");
    await pass(2 * minute);
    expect(health.takeDeaf("q")).toEqual([]);
  });

  it("forgets all of an instance", () => {
    watch("i");
    watcher.observe(instance("i", 1));
    watcher.forget("i", place);
    expect(watcher.latest("i", place)).toBeUndefined();
    watcher.observe(instance("i", 2));
    watcher.forget("i", place);
    expect(watcher.latest("i", place)).toBeUndefined();
  });
});
