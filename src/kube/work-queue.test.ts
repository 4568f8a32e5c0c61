import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Registry } from "../telemetry/metrics.ts";
import { KubeMetrics } from "./metrics.ts";
import { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";

const never = new AbortController().signal;

function newQueue(options: Partial<WorkQueueOptions> = {}): { queue: WorkQueue; registry: Registry } {
  const registry = new Registry();
  return { queue: new WorkQueue({ name: "test", metrics: new KubeMetrics(registry), ...options }), registry };
}

/** The keys that are ready now, in order, each taken and done. */
async function takeAll(queue: WorkQueue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.depth > 0) {
    const key = await queue.get(never);
    if (key === undefined) break;
    taken.push(key);
    queue.done(key);
  }
  return taken;
}

async function valueOf(registry: Registry, name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.find((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))?.value;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("WorkQueue", () => {
  it("hands keys out in the order of their arrival", async () => {
    const { queue } = newQueue();
    for (const key of ["b", "a", "c"]) queue.add(key);
    expect(await takeAll(queue)).toEqual(["b", "a", "c"]);
  });

  it("hands a key out once however often it was added", async () => {
    const { queue } = newQueue();
    queue.add("a");
    queue.add("a");
    queue.addAfter("a", 50);
    expect(await takeAll(queue)).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(100);
    expect(queue.depth).toBe(0);
  });

  it("never hands out a key that is in work", async () => {
    const { queue } = newQueue();
    queue.add("a");
    expect(await queue.get(never)).toBe("a");
    queue.add("a");
    queue.add("b");
    expect(await queue.get(never)).toBe("b");
    const next = vi.fn<(key: string | undefined) => void>();
    void queue.get(never).then(next);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(next).not.toHaveBeenCalled();
    queue.done("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(next).toHaveBeenCalledWith("a");
  });

  it("hands a key that was added during work out once more", async () => {
    const { queue } = newQueue();
    queue.add("a");
    await queue.get(never);
    queue.add("a");
    queue.add("a");
    queue.done("a");
    expect(await takeAll(queue)).toEqual(["a"]);
  });

  it("keeps an appointment of a key in work for later, without running it twice at a time", async () => {
    const { queue } = newQueue();
    queue.add("a");
    await queue.get(never);
    queue.addAfter("a", 10);
    await vi.advanceTimersByTimeAsync(20);
    expect(queue.depth).toBe(1);
    queue.done("a");
    expect(await takeAll(queue)).toEqual(["a"]);
  });

  it("lets the earlier of two delays win, whichever came first", async () => {
    const { queue } = newQueue();
    queue.addAfter("a", 1_000);
    queue.addAfter("a", 100);
    queue.addAfter("b", 100);
    queue.addAfter("b", 1_000);
    await vi.advanceTimersByTimeAsync(99);
    expect(queue.depth).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect((await takeAll(queue)).toSorted()).toEqual(["a", "b"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(queue.depth).toBe(0);
  });

  it("replaces an appointment by an immediate add", async () => {
    const { queue } = newQueue();
    queue.addAfter("a", 100);
    queue.add("a");
    expect(await takeAll(queue)).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(queue.depth).toBe(0);
  });

  it.each([0, -1, Number.NaN])("takes a delay of %d for now", async (ms) => {
    const { queue } = newQueue();
    queue.addAfter("a", ms);
    expect(await takeAll(queue)).toEqual(["a"]);
  });

  it.each([2 ** 31, Number.POSITIVE_INFINITY])("clamps a delay of %d ms, which setTimeout would fire at once", async (ms) => {
    const { queue } = newQueue();
    queue.addAfter("a", ms);
    await vi.advanceTimersByTimeAsync(2 ** 31 - 2);
    expect(queue.depth).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(queue.depth).toBe(1);
  });

  it("backs off per key, doubling from 5 ms", async () => {
    const { queue } = newQueue();
    for (const delayMs of [5, 10, 20, 40]) {
      queue.addRateLimited("a");
      await vi.advanceTimersByTimeAsync(delayMs - 1);
      expect(queue.depth).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
      expect(await takeAll(queue)).toEqual(["a"]);
    }
    queue.addRateLimited("other");
    await vi.advanceTimersByTimeAsync(5);
    expect(await takeAll(queue)).toEqual(["other"]);
  });

  it("does not back off beyond 1000 s", async () => {
    const { queue } = newQueue();
    for (let tries = 0; tries < 100; tries++) {
      queue.addRateLimited("a");
      await vi.advanceTimersByTimeAsync(1_000_000);
      expect(await takeAll(queue)).toEqual(["a"]);
    }
  });

  it("starts the backoff of a key anew once it is forgotten", async () => {
    const { queue } = newQueue();
    for (let tries = 0; tries < 5; tries++) queue.addRateLimited("a");
    expect(queue.failures("a")).toBe(5);
    await vi.advanceTimersByTimeAsync(1_000);
    await takeAll(queue);
    queue.forget("a");
    queue.addRateLimited("a");
    await vi.advanceTimersByTimeAsync(5);
    expect(await takeAll(queue)).toEqual(["a"]);
  });

  it("spreads failures beyond a burst of 100 to 10 a second", async () => {
    const { queue } = newQueue();
    for (let n = 0; n < 120; n++) queue.addRateLimited(`k${n}`);
    await vi.advanceTimersByTimeAsync(5);
    expect((await takeAll(queue)).length).toBe(100);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await takeAll(queue)).length).toBe(10);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await takeAll(queue)).length).toBe(10);
  });

  it("takes no token for a key that is ready anyway", async () => {
    const { queue } = newQueue({ burst: 1, ratePerSecond: 1 });
    queue.add("ready");
    queue.addRateLimited("ready");
    expect(queue.failures("ready")).toBe(1);
    queue.addRateLimited("other");
    await vi.advanceTimersByTimeAsync(5);
    expect(await takeAll(queue)).toEqual(["ready", "other"]);
  });

  it("does not rate-limit plain adds", async () => {
    const { queue } = newQueue();
    for (let n = 0; n < 5_000; n++) queue.add(`k${n}`);
    expect((await takeAll(queue)).length).toBe(5_000);
  });

  it("gives undefined to those who wait when their signal aborts, and their key to nobody", async () => {
    const { queue } = newQueue();
    const gone = new AbortController();
    const first = queue.get(gone.signal);
    const second = queue.get(never);
    gone.abort();
    expect(await first).toBeUndefined();
    queue.add("a");
    expect(await second).toBe("a");
  });

  it("stops handing out and taking in once it is shut down", async () => {
    const { queue } = newQueue();
    const waiting = queue.get(never);
    queue.addAfter("later", 10);
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    queue.add("a");
    await vi.advanceTimersByTimeAsync(100);
    expect(queue.depth).toBe(0);
    expect(await queue.get(never)).toBeUndefined();
  });

  it("ignores done for a key that is not in work", () => {
    const { queue } = newQueue();
    queue.add("a");
    queue.done("a");
    expect(queue.depth).toBe(1);
  });

  it("keeps its order through a long life with many keys", async () => {
    const { queue } = newQueue();
    const expected: string[] = [];
    const taken: string[] = [];
    for (let round = 0; round < 5_000; round++) {
      queue.add(`a${round}`);
      queue.add(`b${round}`);
      expected.push(`a${round}`, `b${round}`);
      const key = await queue.get(never);
      if (key === undefined) break;
      taken.push(key);
      queue.done(key);
    }
    taken.push(...(await takeAll(queue)));
    expect(taken).toEqual(expected);
  });

  it("starts its metrics at zero", async () => {
    const { registry } = newQueue();
    const names = ["depth", "adds_total", "retries_total", "unfinished_work_seconds", "longest_running_processor_seconds"];
    const values = names.map((name) => valueOf(registry, `workqueue_${name}`, { name: "test" }));
    expect(await Promise.all(values)).toEqual([0, 0, 0, 0, 0]);
    const text = await registry.metrics();
    expect(text).toContain('workqueue_queue_duration_seconds_count{name="test"} 0');
    expect(text).toContain('workqueue_work_duration_seconds_count{name="test"} 0');
  });

  it("measures depth, adds, retries, waiting and work", async () => {
    const { queue, registry } = newQueue();
    queue.add("a");
    queue.add("b");
    queue.addRateLimited("c");
    expect(await valueOf(registry, "workqueue_depth")).toBe(2);
    expect(await valueOf(registry, "workqueue_adds_total")).toBe(2);
    expect(await valueOf(registry, "workqueue_retries_total")).toBe(1);
    await vi.advanceTimersByTimeAsync(3_000);
    const key = await queue.get(never);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await valueOf(registry, "workqueue_unfinished_work_seconds")).toBe(2);
    expect(await valueOf(registry, "workqueue_longest_running_processor_seconds")).toBe(2);
    queue.done(key ?? "");
    const text = await registry.metrics();
    expect(text).toContain('workqueue_queue_duration_seconds_sum{name="test"} 3');
    expect(text).toContain('workqueue_work_duration_seconds_sum{name="test"} 2');
  });
});
