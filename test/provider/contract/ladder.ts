import { expect, test } from "vitest";
import { isProviderError } from "../../../src/provider/errors.ts";
import { type OpenBench } from "./bench.ts";

/** describeLadder is how the ladder is climbed, and what becomes of lost answers. */
export function describeLadder(open: OpenBench): void {
  test("a rung without capacity is left for the next one, and the refusal is told", async (context) => {
    const bench = open(context, "refuse", "accept");
    const [first, second] = bench.subject.rungs;
    const launch = bench.launch();
    const { instance, refusals } = await bench.refusing([first], () => bench.create(launch));
    expect(instance.capacity).toBe(second);
    expect(refusals).toMatchObject([{ capacity: first }]);
    expect(refusals[0]?.message).not.toBe("");
    expect(await bench.countLive(launch)).toBe(1);
  });

  test("a ladder without any capacity is InsufficientCapacity with every refusal, and the next try may succeed", async (context) => {
    const bench = open(context, "refuse", "accept");
    const launch = bench.launch();
    const error = await bench.refusing(bench.subject.rungs, () => bench.failure(launch));
    expect(error).toMatchObject({ name: "ProviderError", code: "InsufficientCapacity" });
    expect(isProviderError(error) && error.refusals.map(({ capacity }) => capacity)).toEqual([...bench.subject.rungs]);
    expect(await bench.countLive(launch)).toBe(0);
    const { instance } = await bench.create({ ...launch, tries: 1 });
    expect(instance.capacity).toBe(bench.subject.rungs[0]);
  });

  test("a rung to be avoided is passed over, unless every other one refuses", async (context) => {
    const bench = open(context, "refuse", "accept");
    const [first, second] = bench.subject.rungs;
    const passed = await bench.create({ ...bench.launch(), avoid: [first] });
    expect(passed).toMatchObject({ instance: { capacity: second }, refusals: [] });
    const last = await bench.refusing([second], () => bench.create({ ...bench.launch(), avoid: [first] }));
    expect(last).toMatchObject({ instance: { capacity: first }, refusals: [{ capacity: second }] });
    const all = await bench.create({ ...bench.launch(), avoid: [first, second] });
    expect(all.instance.capacity).toBe(first);
  });

  test("a launch that a later rung accepted gives the same instance when repeated with capacity everywhere", async (context) => {
    const bench = open(context, "refuse", "accept");
    const launch = bench.launch();
    const first = await bench.refusing([bench.subject.rungs[0]], () => bench.create(launch));
    const second = await bench.create(launch);
    expect(second.instance.id).toBe(first.instance.id);
    expect(await bench.countLive(launch)).toBe(1);
  });

  test("a lost answer is Unavailable, and the repeated launch finds the instance", async (context) => {
    const bench = open(context, "loseAnswer");
    const launch = bench.launch();
    await bench.subject.control.loseAnswer?.(bench.subject.rungs[0]);
    expect(await bench.failure(launch)).toMatchObject({ name: "ProviderError", code: "Unavailable" });
    const { instance } = await bench.create(launch);
    expect(instance.requestUid).toBe(launch.requestUid);
    expect(await bench.countLive(launch)).toBe(1);
  });

  test("an answer lost on a later rung is not followed by a second instance on the first", async (context) => {
    const bench = open(context, "loseAnswer", "refuse", "accept");
    const [first, second] = bench.subject.rungs;
    const launch = bench.launch();
    const error = await bench.refusing([first], async () => {
      await bench.subject.control.loseAnswer?.(second);
      return bench.failure(launch);
    });
    expect(error).toMatchObject({ code: "Unavailable" });
    const { instance } = await bench.create(launch);
    expect(instance.capacity).toBe(second);
    expect(await bench.countLive(launch)).toBe(1);
  });
}
