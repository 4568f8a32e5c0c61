import { expect, test } from "vitest";
import { jitConfig } from "../launches.ts";
import { type OpenBench } from "./bench.ts";

/** describeCreate is what create() promises, one launch and its repetitions. */
export function describeCreate(open: OpenBench): void {
  test("create() resolves with an instance that carries its request, attempt, runner and rung", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const { instance, adopted, refusals } = await bench.create(launch);
    expect(instance).toMatchObject({
      requestUid: launch.requestUid,
      attempt: 1,
      runnerName: launch.runnerName,
      capacity: bench.subject.rungs[0],
    });
    expect(instance.id).not.toBe("");
    expect({ adopted, refusals }).toEqual({ adopted: false, refusals: [] });
  });

  test("a repeated launch gives the same instance, and the backend has one", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const first = await bench.create(launch);
    const second = await bench.create(structuredClone(launch));
    expect(second.instance.id).toBe(first.instance.id);
    expect(await bench.countLive(launch)).toBe(1);
  });

  test("a launch repeated five times at once gives one instance", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const created = await Promise.all(Array.from({ length: 5 }, () => bench.create(launch)));
    expect(new Set(created.map(({ instance }) => instance.id)).size).toBe(1);
    expect(await bench.countLive(launch)).toBe(1);
  });

  test("a launch repeated with another JIT configuration adopts the first one's instance", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const first = await bench.create(launch);
    const second = await bench.create({ ...launch, jitConfig: jitConfig() });
    expect(second).toMatchObject({
      adopted: true,
      instance: { id: first.instance.id, requestUid: launch.requestUid, attempt: 1 },
    });
    expect(await bench.countLive(launch)).toBe(1);
  });

  test("another attempt is another instance", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const first = await bench.create(launch);
    const second = await bench.create(bench.nextAttempt(launch));
    expect(second.instance).toMatchObject({ attempt: 2, requestUid: launch.requestUid });
    expect(second.instance.id).not.toBe(first.instance.id);
  });

  test("an aborted signal ends create() with its reason and starts nothing", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const reason = new Error("shutting down");
    await expect(bench.provider.create(launch, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await bench.countLive(launch)).toBe(0);
  });
}
