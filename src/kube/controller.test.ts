import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLogger } from "../telemetry/log.ts";
import { Registry } from "../telemetry/metrics.ts";
import { ApiError } from "./api-error.ts";
import { Controller, type ControllerOptions, type Reconcile, TerminalError } from "./controller.ts";
import { KubeMetrics } from "./metrics.ts";
import type { ObjectKey } from "./object.ts";

const key = (name: string): ObjectKey => ({ namespace: "ns", name });

/** A controller with its log and metrics at hand, started unless told otherwise. */
function setUp(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: "debug", destination: { write: (text) => void lines.push(JSON.parse(text)) } });
  const registry = new Registry();
  const controller = new Controller({ name: "test", reconcile, log, metrics: new KubeMetrics(registry), ...options });
  const stop = new AbortController();
  stops.push(stop);
  return {
    controller,
    lines,
    stop,
    start: () => controller.run(stop.signal),
    metric: async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> => {
      const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      return values.find((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))?.value;
    },
  };
}

const stops: AbortController[] = [];

/** Lets everything run that is due now. */
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort();
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
});

describe("Controller", () => {
  it("runs one pass for keys that were added twice", async () => {
    const reconcile = vi.fn<Reconcile>(async () => undefined);
    const { controller, start } = setUp(reconcile);
    controller.enqueue(key("a"));
    controller.enqueue(key("a"));
    void start();
    await settle();
    expect(reconcile).toHaveBeenCalledTimes(1);
    expect(reconcile.mock.calls[0]?.[0]).toEqual({ namespace: "ns", name: "a" });
  });

  it("never runs a key twice at a time, and runs it once more if it was added meanwhile", async () => {
    const gates: (() => void)[] = [];
    const { controller, start } = setUp(() => new Promise<void>((resolve) => gates.push(resolve)), { concurrency: 4 });
    void start();
    controller.enqueue(key("a"));
    await settle();
    controller.enqueue(key("a"));
    controller.enqueue(key("a"));
    await settle(1_000);
    expect(gates.length).toBe(1);
    gates[0]?.();
    await settle();
    expect(gates.length).toBe(2);
    gates[1]?.();
    await settle(1_000);
    expect(gates.length).toBe(2);
  });

  it("runs as many passes at a time as it was allowed, over different keys", async () => {
    const running: string[] = [];
    const { controller, start, metric } = setUp(
      async ({ name }) => {
        running.push(name);
        await new Promise<void>(() => undefined);
      },
      { concurrency: 2, drainMs: 0 },
    );
    void start();
    for (const name of ["a", "b", "c"]) controller.enqueue(key(name));
    await settle();
    expect(running).toEqual(["a", "b"]);
    expect(await metric("controller_runtime_active_workers")).toBe(2);
    expect(await metric("controller_runtime_max_concurrent_reconciles")).toBe(2);
  });

  it("backs off after an error, and anew after a success", async () => {
    const times: number[] = [];
    let failing = true;
    const { controller, start } = setUp(async () => {
      times.push(performance.now());
      if (failing) throw new Error("boom");
    });
    void start();
    controller.enqueue(key("a"));
    await settle(5 + 10 + 20);
    expect(times.map((time) => Math.round(time - (times[0] ?? 0)))).toEqual([0, 5, 15, 35]);
    failing = false;
    await settle(1_000);
    failing = true;
    times.length = 0;
    controller.enqueue(key("a"));
    await settle(5);
    expect(times.map((time) => Math.round(time - (times[0] ?? 0)))).toEqual([0, 5]);
  });

  it("writes one error line for a failed pass, with what leads to it", async () => {
    const { controller, start, lines, metric } = setUp(async () => {
      throw new Error("boom");
    });
    void start();
    controller.enqueue(key("a"));
    await settle();
    const errors = lines.filter((line) => line["level"] === "error");
    expect(errors).toMatchObject([
      {
        msg: "reconcile failed",
        controller: "test",
        namespace: "ns",
        name: "a",
        reconcileId: expect.any(String),
        err: { message: "boom" },
      },
    ]);
    expect(await metric("controller_runtime_reconcile_total", { result: "error" })).toBe(1);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(1);
  });

  it("looks again after requeueAfterMs, and starts the backoff anew", async () => {
    const times: number[] = [];
    const { controller, start, metric } = setUp(async () => {
      times.push(performance.now());
      if (times.length <= 3 || times.length === 5) throw new Error("boom");
      return times.length === 4 ? { requeueAfterMs: 500 } : {};
    });
    void start();
    controller.enqueue(key("a"));
    await settle(2_000);
    const gaps = times.slice(1).map((time, index) => Math.round(time - (times[index] ?? 0)));
    expect(gaps).toEqual([5, 10, 20, 500, 5]);
    expect(await metric("controller_runtime_reconcile_total", { result: "requeue_after" })).toBe(1);
    expect(await metric("controller_runtime_reconcile_total", { result: "success" })).toBe(1);
  });

  it.each([0, -5])("treats requeueAfterMs %d, a deadline just passed, as soon with backoff", async (requeueAfterMs) => {
    const times: number[] = [];
    const { controller, start, metric } = setUp(async () => {
      times.push(performance.now());
      return { requeueAfterMs };
    });
    void start();
    controller.enqueue(key("a"));
    await settle(35);
    expect(times.map((time) => Math.round(time - (times[0] ?? 0)))).toEqual([0, 5, 15, 35]);
    expect(await metric("controller_runtime_reconcile_total", { result: "requeue" })).toBe(4);
  });

  it("counts a terminal error once and does not retry it", async () => {
    const reconcile = vi.fn<Reconcile>(async () => {
      throw new TerminalError("never");
    });
    const { controller, start, metric, lines } = setUp(reconcile);
    void start();
    controller.enqueue(key("a"));
    await settle(3_600_000);
    expect(reconcile).toHaveBeenCalledTimes(1);
    expect(await metric("controller_runtime_terminal_reconcile_errors_total")).toBe(1);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(1);
    expect(lines.filter((line) => line["level"] === "error")).toHaveLength(1);
    controller.enqueue(key("a"));
    await settle();
    expect(reconcile).toHaveBeenCalledTimes(2);
  });

  it("takes a conflict for a reason to look again, without an error", async () => {
    const reconcile = vi
      .fn<Reconcile>()
      .mockRejectedValueOnce(new ApiError("patch: Conflict (409)", { status: 409, reason: "Conflict" }))
      .mockResolvedValue(undefined);
    const { controller, start, metric, lines } = setUp(reconcile);
    void start();
    controller.enqueue(key("a"));
    await settle(10);
    expect(reconcile).toHaveBeenCalledTimes(2);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(0);
    expect(await metric("controller_runtime_reconcile_total", { result: "requeue" })).toBe(1);
    expect(lines.filter((line) => line["level"] !== "debug")).toEqual([]);
  });

  it.each([
    ["a TypeError", () => (undefined as unknown as { name: string }).name],
    ["something that is no Error", () => Promise.reject("text")],
  ])("survives %s, counts it as a panic and tries again", async (_, bug) => {
    let passes = 0;
    const { controller, start, metric } = setUp(async () => {
      passes++;
      if (passes === 1) await bug();
    });
    void start();
    controller.enqueue(key("a"));
    await settle(10);
    expect(passes).toBe(2);
    expect(await metric("controller_runtime_reconcile_panics_total")).toBe(1);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(1);
  });

  it("survives a reconcile that throws before it returns a promise", async () => {
    const reconcile = vi.fn<Reconcile>(() => {
      throw new Error("not even a promise");
    });
    const { controller, start } = setUp(reconcile);
    void start();
    controller.enqueue(key("a"));
    await settle(5);
    expect(reconcile).toHaveBeenCalledTimes(2);
  });

  it("aborts the signal of a pass at its deadline and takes that for an error", async () => {
    const { controller, start, metric, lines } = setUp(
      (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      { deadlineMs: 1_000 },
    );
    void start();
    controller.enqueue(key("a"));
    await settle(999);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(0);
    await settle(1);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(1);
    expect(lines.find((line) => line["level"] === "error")).toMatchObject({ err: { message: "no result within 1000 ms" } });
  });

  it("begins only when its sources are synced", async () => {
    const reconcile = vi.fn<Reconcile>(async () => undefined);
    const sync = Promise.withResolvers<void>();
    const { controller, start } = setUp(reconcile, { sources: [{ synced: Promise.resolve() }, { synced: sync.promise }] });
    void start();
    controller.enqueue(key("a"));
    await settle(1_000);
    expect(reconcile).not.toHaveBeenCalled();
    sync.resolve();
    await settle();
    expect(reconcile).toHaveBeenCalledTimes(1);
  });

  it("gives up when its sources do not sync in time", async () => {
    const { start } = setUp(async () => undefined, { sources: [{ synced: new Promise(() => undefined) }] });
    const failure = start().catch((error: unknown) => String(error));
    await settle(120_000);
    expect(await failure).toContain("controller test: its caches did not sync within 120 s");
  });

  it("finishes the work in hand when it is stopped, and takes no more", async () => {
    const finished: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { controller, start, stop } = setUp(async ({ name }, { signal }) => {
      await gate.promise;
      if (!signal.aborted) finished.push(name);
    });
    const run = start();
    controller.enqueue(key("a"));
    controller.enqueue(key("b"));
    await settle();
    stop.abort();
    await settle(10_000);
    gate.resolve();
    await run;
    expect(finished).toEqual(["a"]);
  });

  it("aborts what is still in hand when the drain is over, and does not call that an error", async () => {
    const { controller, start, stop, metric } = setUp(
      (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      { drainMs: 5_000 },
    );
    const run = start();
    controller.enqueue(key("a"));
    await settle();
    stop.abort();
    await settle(5_000);
    await run;
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(0);
  });

  it("looks at a key after enqueueAfter's time", async () => {
    const reconcile = vi.fn<Reconcile>(async () => undefined);
    const { controller, start } = setUp(reconcile);
    void start();
    controller.enqueueAfter(key("a"), 300);
    await settle(299);
    expect(reconcile).not.toHaveBeenCalled();
    await settle(1);
    expect(reconcile).toHaveBeenCalledTimes(1);
  });

  it("starts its metrics at zero", async () => {
    const { metric } = setUp(async () => undefined);
    const results = ["success", "error", "requeue", "requeue_after"];
    const totals = results.map((result) => metric("controller_runtime_reconcile_total", { controller: "test", result }));
    expect(await Promise.all(totals)).toEqual([0, 0, 0, 0]);
    const others = ["reconcile_errors_total", "terminal_reconcile_errors_total", "reconcile_panics_total", "active_workers"];
    const values = others.map((name) => metric(`controller_runtime_${name}`, { controller: "test" }));
    expect(await Promise.all(values)).toEqual([0, 0, 0, 0]);
    expect(await metric("controller_runtime_max_concurrent_reconciles", { controller: "test" })).toBe(1);
  });

  it("gives the result of a single pass, or its error, to whoever asked for it", async () => {
    const { controller } = setUp(async ({ name }) => {
      if (name === "bad") throw new Error("boom");
      return name === "later" ? { requeueAfterMs: 7 } : undefined;
    });
    expect(await controller.reconcileOnce(key("good"))).toEqual({});
    expect(await controller.reconcileOnce(key("later"))).toEqual({ requeueAfterMs: 7 });
    await expect(controller.reconcileOnce(key("bad"))).rejects.toThrow("boom");
  });
});
