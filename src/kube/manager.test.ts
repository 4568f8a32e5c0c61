import { describe, expect, it } from "vitest";
import { silentLogger } from "../telemetry/log.ts";
import { Manager, type ManagerOptions, type Runnable } from "./manager.ts";

/** Runnables that write down what happens to them. */
function setUp(options: Partial<ManagerOptions> = {}) {
  const journal: string[] = [];
  const manager = new Manager({ log: silentLogger(), drainMs: 200, syncTimeoutMs: 200, ...options });
  const part = (
    name: string,
    more: { ready?: Promise<void>; windUp?: Promise<void> } = {},
  ): Runnable & { fail: (error?: Error) => void } => {
    const end = Promise.withResolvers<void>();
    return {
      name,
      ...(more.ready === undefined ? {} : { ready: more.ready }),
      async run(signal) {
        journal.push(`start ${name}`);
        const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        await Promise.race([stopped, end.promise]);
        await more.windUp;
        journal.push(`end ${name}`);
      },
      fail: (error) => (error === undefined ? end.resolve() : end.reject(error)),
    };
  };
  return { manager, journal, part };
}

describe("Manager", () => {
  it("starts caches, then what always runs, then the leader's, and stops backwards", async () => {
    const { manager, journal, part } = setUp();
    manager.add(part("controller"), { stage: "leader" });
    manager.add(part("intake"), { stage: "always" });
    manager.add(part("informer"), { stage: "cache" });
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await expect.poll(() => journal).toEqual(["start informer", "start intake", "start controller"]);
    stop.abort();
    await run;
    expect(journal.slice(3)).toEqual(["end controller", "end intake", "end informer"]);
  });

  it("starts nothing else, and is not ready, before the caches are", async () => {
    const { manager, journal, part } = setUp({ syncTimeoutMs: 10_000 });
    const synced = Promise.withResolvers<void>();
    const listening = Promise.withResolvers<void>();
    manager.add(part("informer", { ready: synced.promise }), { stage: "cache" });
    manager.add(part("intake", { ready: listening.promise }));
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await expect.poll(() => journal).toEqual(["start informer"]);
    expect(manager.ready).toBe(false);
    synced.resolve();
    await expect.poll(() => journal).toEqual(["start informer", "start intake"]);
    expect(manager.ready).toBe(false);
    listening.resolve();
    await expect.poll(() => manager.ready).toBe(true);
    stop.abort();
    await run;
    expect(manager.ready).toBe(false);
  });

  it("gives up, and says on whom, when a cache is not ready in time", async () => {
    const { manager, journal, part } = setUp();
    manager.add(part("widgets", { ready: new Promise(() => undefined) }), { stage: "cache" });
    manager.add(part("gadgets", { ready: Promise.resolve() }), { stage: "cache" });
    manager.add(part("intake"));
    await expect(manager.run(new AbortController().signal)).rejects.toThrow(/not ready within 0.2 s: widgets;/);
    expect(journal).not.toContain("start intake");
    expect(journal).toContain("end widgets");
  });

  it("rejects when a part fails, and stops the others", async () => {
    const { manager, journal, part } = setUp();
    const broken = part("broken");
    manager.add(part("informer"), { stage: "cache" });
    manager.add(broken);
    const run = manager.run(new AbortController().signal);
    await expect.poll(() => journal).toContain("start broken");
    const cause = new Error("port taken");
    broken.fail(cause);
    await expect(run).rejects.toMatchObject({ message: "broken failed", cause });
    expect(journal).toContain("end informer");
    expect(manager.ready).toBe(false);
  });

  it("rejects when a part ends although nobody told it to", async () => {
    const { manager, journal, part } = setUp();
    const quitter = part("quitter");
    manager.add(quitter);
    const run = manager.run(new AbortController().signal);
    await expect.poll(() => journal).toContain("start quitter");
    quitter.fail();
    await expect(run).rejects.toThrow("quitter ended although nobody had told it to stop");
  });

  it("waits for the leader's work to wind up before it stops what that work needs", async () => {
    const { manager, journal, part } = setUp({ drainMs: 10_000 });
    const work = Promise.withResolvers<void>();
    manager.add(part("informer"), { stage: "cache" });
    manager.add(part("controller", { windUp: work.promise }), { stage: "leader" });
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await expect.poll(() => journal).toContain("start controller");
    stop.abort();
    const over = await Promise.race([run.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
    expect(over).toBe(false);
    expect(journal).not.toContain("end informer");
    work.resolve();
    await run;
    expect(journal.slice(-2)).toEqual(["end controller", "end informer"]);
  });

  it("does not wait for ever for what does not stop", async () => {
    const { manager, journal, part } = setUp({ drainMs: 50 });
    manager.add(part("informer"), { stage: "cache" });
    manager.add(part("stuck", { windUp: new Promise(() => undefined) }), { stage: "leader" });
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await expect.poll(() => journal).toContain("start stuck");
    stop.abort();
    await run;
    expect(journal).toContain("end informer");
  });

  it("stops in the middle of its start", async () => {
    const { manager, journal, part } = setUp({ syncTimeoutMs: 10_000 });
    manager.add(part("informer", { ready: new Promise(() => undefined) }), { stage: "cache" });
    manager.add(part("intake"));
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await expect.poll(() => journal).toEqual(["start informer"]);
    stop.abort();
    await run;
    expect(journal).toEqual(["start informer", "end informer"]);
  });

  it("refuses additions after its start and a second start", async () => {
    const { manager, part } = setUp();
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    expect(() => manager.add(part("late"))).toThrow(/late was added after/);
    await expect(manager.run(stop.signal)).rejects.toThrow(/runs once/);
    stop.abort();
    await run;
  });
});
