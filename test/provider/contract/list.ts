import { expect, test } from "vitest";
import { collect, unaborted } from "../launches.ts";
import { type OpenBench } from "./bench.ts";

/** describeList is what list() promises. */
export function describeList(open: OpenBench): void {
  test("list() finds every live instance of the class, with its request, attempt and runner", async (context) => {
    const bench = open(context);
    const launches = [bench.launch(), bench.launch()];
    for (const launch of launches) await bench.create(launch);
    const listed = await bench.list({});
    for (const { requestUid, runnerName, registeredIn } of launches) {
      const found = listed.filter((instance) => instance.requestUid === requestUid);
      expect(found).toMatchObject([{ runnerName, attempt: 1 }]);
      // A backend without tags does not tell.
      expect([undefined, registeredIn]).toContainEqual(found[0]?.registeredIn);
    }
  });

  test("list() of one request finds its instances and no others", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const first = await bench.create(launch);
    const second = await bench.create(bench.nextAttempt(launch));
    await bench.create(bench.launch());
    const listed = await bench.list({ requestUid: launch.requestUid });
    expect(new Set(listed.map(({ id }) => id))).toEqual(new Set([first.instance.id, second.instance.id]));
  });

  test("list() leaves out what has stopped", async (context) => {
    const bench = open(context);
    const launch = bench.launch();
    const { instance } = await bench.create(launch);
    await bench.delete(instance.id, "done");
    await bench.follow(instance.id, "Stopped");
    expect(await bench.list({ requestUid: launch.requestUid })).toEqual([]);
    expect((await bench.list({})).map(({ id }) => id)).not.toContain(instance.id);
  });

  test("list() of another class finds nothing of this one", async (context) => {
    const bench = open(context);
    await bench.create(bench.launch());
    const other = { ...bench.cls, name: "other", uid: crypto.randomUUID() };
    expect(await collect(bench.provider.list(other, {}, unaborted()))).toEqual([]);
  });
}
