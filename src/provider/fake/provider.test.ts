import { inspect } from "node:util";
import { expect, test } from "vitest";
import { ProviderError } from "../errors.ts";
import type { Launch, Place, ResolvedClass } from "../types.ts";
import { FakeProvider } from "./provider.ts";

// What every provider promises is in the contract suite; here is what only the fake can do.

const cls: ResolvedClass = {
  kind: "ECSRunnerClass",
  namespace: "n",
  name: "c",
  uid: "u",
  generation: 1,
  spec: { capacity: [{ name: "spot" }, { name: "on-demand" }] },
};
const place: Place = { classRef: { kind: cls.kind, namespace: "n", name: "c" }, connection: {} };
const signal = new AbortController().signal;

function launch(overrides: Partial<Launch> = {}): Launch {
  return {
    requestUid: "uid-1",
    requestNamespace: "n",
    requestName: "job-1",
    attempt: 1,
    tries: 0,
    runnerName: "job-1-1",
    registeredIn: { app: "n/app", scope: "acme" },
    labels: [],
    overrides: {},
    avoid: [],
    class: cls,
    jitConfig: "s3cr3t-jit-config",
    tags: {},
    ...overrides,
  };
}

test("programmed errors are thrown in order, before anything happens", async () => {
  const fake = new FakeProvider();
  fake.failNext("create", new ProviderError("Throttled", "slow down"), new TypeError("broken"));
  await expect(fake.create(launch(), signal)).rejects.toMatchObject({ code: "Throttled" });
  await expect(fake.create(launch(), signal)).rejects.toThrow("broken");
  expect(fake.all()).toEqual([]);
  await fake.create(launch(), signal);
  expect(fake.calls).toMatchObject({ create: 3, get: 0 });
});

test("a rung can refuse a number of times", async () => {
  const fake = new FakeProvider();
  fake.refuse("spot", 1, "RESOURCE:CPU");
  const first = await fake.create(launch(), signal);
  expect(first).toMatchObject({ instance: { capacity: "on-demand" }, refusals: [{ capacity: "spot", reason: "RESOURCE:CPU" }] });
  const second = await fake.create(launch({ attempt: 2 }), signal);
  expect(second.instance.capacity).toBe("spot");
});

test("a class without a ladder has one rung", async () => {
  const fake = new FakeProvider({ classKind: "Other" });
  const { instance } = await fake.create(launch({ class: { ...cls, spec: {} } }), signal);
  expect(instance.capacity).toBe("default");
});

test("without idempotent create, a repeated launch is a second instance", async () => {
  const fake = new FakeProvider({ capabilities: { idempotentCreate: false } });
  await fake.create(launch(), signal);
  await fake.create(launch(), signal);
  expect(fake.live()).toHaveLength(2);
});

test("hooks run at their place: before anything, and after the instance exists", async () => {
  const fake = new FakeProvider();
  const seen: number[] = [];
  fake.hooks.beforeCreate = () => void seen.push(fake.live().length);
  fake.hooks.afterCreate = () => {
    seen.push(fake.live().length);
    throw new ProviderError("Unavailable", "the answer was lost");
  };
  await expect(fake.create(launch(), signal)).rejects.toMatchObject({ code: "Unavailable" });
  expect(seen).toEqual([0, 1]);
});

test("instances can be hidden from list and get for a number of calls", async () => {
  const fake = new FakeProvider();
  fake.hideFromGet(2);
  const { instance } = await fake.create(launch(), signal);
  fake.hideFromList(1);
  const list = async (): Promise<number> => {
    let count = 0;
    for await (const _ of fake.list(cls, {}, signal)) count++;
    return count;
  };
  expect([await list(), await list()]).toEqual([0, 1]);
  const reads = [];
  for (let read = 0; read < 3; read++) reads.push((await fake.get(place, [instance.id], signal)).has(instance.id));
  expect(reads).toEqual([false, false, true]);
});

test("instances can move by themselves after a number of reads", async () => {
  const fake = new FakeProvider({ runningAfterReads: 1, stoppedAfterReads: 1 });
  const { instance } = await fake.create(launch(), signal);
  const read = async () => {
    const found = (await fake.get(place, [instance.id], signal)).get(instance.id);
    return typeof found === "object" ? found.state : found;
  };
  expect([await read(), await read()]).toEqual(["Pending", "Running"]);
  await fake.delete(place, instance.id, "done", signal);
  expect([await read(), await read()]).toEqual(["Stopping", "Stopped"]);
});

test("a state never goes back", async () => {
  const fake = new FakeProvider();
  const { instance } = await fake.create(launch(), signal);
  fake.exit(instance.id, 7);
  expect(fake.advance(instance.id, "Running")).toMatchObject({ state: "Stopped", exitCode: 7, version: 2 });
});

test("a Spot notice is Stopping first, and keeps its cause", async () => {
  const fake = new FakeProvider();
  const { instance } = await fake.create(launch(), signal);
  expect(fake.interrupt(instance.id, { notice: true })).toMatchObject({ state: "Stopping", stop: { category: "Interrupted" } });
  await fake.delete(place, instance.id, "cleaning up", signal);
  expect(fake.advance(instance.id, "Stopped")).toMatchObject({ stop: { category: "Interrupted" } });
});

test("check answers what it was told", async () => {
  const fake = new FakeProvider();
  fake.findings.push({ severity: "Error", reason: "ClusterNotFound", message: "create it" });
  fake.status["taskDefinitions"] = [];
  expect(await fake.check(cls, signal)).toEqual({
    findings: [{ severity: "Error", reason: "ClusterNotFound", message: "create it" }],
    status: { taskDefinitions: [] },
  });
});

test("what it hands out are copies", async () => {
  const fake = new FakeProvider();
  const { instance } = await fake.create(launch(), signal);
  Object.assign(instance, { state: "Stopped" });
  expect(fake.live()).toHaveLength(1);
});

test("reset makes it new", async () => {
  const fake = new FakeProvider();
  await fake.create(launch(), signal);
  fake.refuse("spot");
  fake.hooks.beforeGet = () => {};
  fake.failNext("get", new Error("x"));
  const feed = fake.startFeed();
  fake.reset();
  expect([fake.all(), fake.launches(), fake.calls.create, fake.hooks]).toEqual([[], [], 0, {}]);
  expect((await fake.create(launch(), signal)).instance.capacity).toBe("spot");
  await expect(fake.get(place, [], signal)).resolves.toEqual(new Map());
  expect([fake.feed(), feed.unsettled]).toEqual([undefined, 0]);
});

test("an instance that does not exist is named together with those that do", () => {
  expect(() => new FakeProvider().exit("nope", 0)).toThrow(/no instance nope/);
});

test("launches can be looked at, but no inspection of the fake prints them", async () => {
  const fake = new FakeProvider();
  await fake.create(launch(), signal);
  expect(fake.launches()).toHaveLength(1);
  expect(inspect(fake, { depth: 20, showHidden: true })).not.toContain("s3cr3t");
});
