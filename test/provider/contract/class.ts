import { inspect } from "node:util";
import { expect, test } from "vitest";
import { makeLaunch, unaborted } from "../launches.ts";
import { type OpenBench } from "./bench.ts";

/** describeClass is what a class is told, and what nobody is. */
export function describeClass(open: OpenBench): void {
  test("connection() gives at most 8 short strings that survive being stored", async (context) => {
    const { provider, cls } = open(context);
    const connection = provider.connection(cls);
    const values = Object.values(connection);
    expect(values.length).toBeLessThanOrEqual(8);
    expect(values.every((value) => typeof value === "string" && value.length <= 2048)).toBe(true);
    expect(JSON.parse(JSON.stringify(connection))).toEqual(connection);
  });

  test("a change of the class does not disturb its instances", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const { instance } = await bench.create(launch);
    const changed = { ...bench.cls, generation: bench.cls.generation + 1 };
    await bench.create(makeLaunch(changed));
    expect((await bench.get([instance.id])).get(instance.id)).toMatchObject({ runnerName: launch.runnerName });
  });

  test("check() finds nothing wrong with a good class", async (context) => {
    const { provider, cls } = open(context);
    const { findings } = await provider.check(cls, unaborted());
    expect(findings.filter(({ severity }) => severity === "Error")).toEqual([]);
  });

  test("the JIT configuration is in nothing that the provider gives away", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const created = await bench.create(launch);
    const shown = [created, await bench.get([created.instance.id]), await bench.list({}), bench.provider, bench.place];
    const secret = launch.jitConfig.slice(0, 40);
    for (const value of shown)
      expect(inspect(value, { depth: 20, showHidden: true, maxStringLength: null })).not.toContain(secret);
  });
}
