import { expect, test } from "vitest";
import { expectForward, similarId, type OpenBench } from "./bench.ts";

/** describeLifecycle is what get() and delete() promise about an instance, from its start to its end. */
export function describeLifecycle(open: OpenBench): void {
  test("get() reads many instances at once and calls unknown ones gone", async (context) => {
    const bench = open(context);
    const created = await Promise.all([bench.create(bench.launch()), bench.create(bench.launch()), bench.create(bench.launch())]);
    const ids = created.map(({ instance }) => instance.id);
    const unknown = similarId(ids[0] ?? "");
    const found = await bench.get([...ids, unknown, "no id at all"]);
    for (const id of ids) expect(found.get(id)).toMatchObject({ id, attempt: 1 });
    expect(found.get(unknown)).toBe("gone");
    expect(found.get("no id at all")).toBe("gone");
  });

  test("get() of nothing answers nothing", async (context) => {
    const bench = open(context);
    expect((await bench.get([])).size).toBe(0);
  });

  test("get() reads 250 ids in one call of the caller", async (context) => {
    const bench = open(context);
    const { instance } = await bench.create(bench.launch());
    const ids = Array.from({ length: 249 }, (_, index) => similarId(instance.id, index + 1));
    const found = await bench.get([...ids, instance.id]);
    expect(found.size).toBe(250);
    expect([...found.values()].filter((value) => value !== "gone")).toMatchObject([{ id: instance.id }]);
  });

  test("an instance reaches Running, and neither its state nor its version ever goes back", async (context) => {
    const bench = open(context);
    const { instance } = await bench.create(bench.launch());
    await bench.subject.control.run?.(instance.id);
    const seen = await bench.follow(instance.id, "Running");
    expect(seen.at(-1)).toMatchObject({ state: "Running" });
    expectForward([instance, ...seen]);
  });

  test("an instance whose process ends is Stopped, with its exit code and the cause Exited", async (context) => {
    const bench = open(context, "exit");
    const instance = await bench.running();
    await bench.subject.control.exit?.(instance.id, 3);
    const last = (await bench.follow(instance.id, "Stopped")).at(-1);
    expect(last).toMatchObject({ state: "Stopped", exitCode: 3, stop: { category: "Exited" } });
    expect(last?.stop?.message).toContain("3");
  });

  test("an instance whose capacity is taken away is Stopped with the cause Interrupted", async (context) => {
    const bench = open(context, "interrupt");
    const instance = await bench.running();
    await bench.subject.control.interrupt?.(instance.id);
    expect((await bench.follow(instance.id, "Stopped")).at(-1)).toMatchObject({ stop: { category: "Interrupted" } });
  });

  test("a stop's message is a sentence of at most 300 characters, and its reason at most 100", async (context) => {
    const bench = open(context);
    const instance = await bench.running();
    await bench.delete(instance.id, "x".repeat(1_000));
    const { stop } = (await bench.follow(instance.id, "Stopped")).at(-1) ?? {};
    expect(stop?.message.length).toBeLessThanOrEqual(300);
    expect(stop?.reason.length).toBeLessThanOrEqual(100);
  });

  test("delete() ends an instance with the cause Requested, and its reason can be read", async (context) => {
    const bench = open(context);
    const instance = await bench.running();
    await bench.delete(instance.id, "the job was cancelled");
    const last = (await bench.follow(instance.id, "Stopped")).at(-1);
    expect(last).toMatchObject({ state: "Stopped", stop: { category: "Requested" } });
    expect(last?.stop?.message).toContain("the job was cancelled");
  });

  test("delete() may be repeated, also after the end, and for instances that never were", async (context) => {
    const bench = open(context);
    const { instance } = await bench.create(bench.launch());
    await bench.delete(instance.id, "first");
    await bench.delete(instance.id, "second");
    await bench.follow(instance.id, "Stopped");
    await bench.delete(instance.id, "third");
    expect((await bench.get([instance.id])).get(instance.id)).toMatchObject({ state: "Stopped" });
    await bench.delete(similarId(instance.id), "never was");
    await bench.delete("no id at all", "never was");
  });

  test("an instance can be deleted before it runs", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const { instance } = await bench.create(launch);
    await bench.delete(instance.id, "not needed any more");
    await bench.follow(instance.id, "Stopped");
    expect(await bench.countLive(launch)).toBe(0);
  });

  test("a forgotten instance is gone, and deleting it is a success", async (context) => {
    const bench = open(context, "forget");
    const instance = await bench.running();
    await bench.delete(instance.id, "done");
    await bench.follow(instance.id, "Stopped");
    await bench.subject.control.forget?.(instance.id);
    expect((await bench.get([instance.id])).get(instance.id)).toBe("gone");
    await bench.delete(instance.id, "again");
  });
}
