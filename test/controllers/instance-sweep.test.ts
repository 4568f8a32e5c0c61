import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instanceSweepPeriods } from "../../src/controllers/instance-sweep/periods.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, stateOf, vanish } from "./runners.ts";

const cluster = testCluster();
const never = new AbortController().signal;
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const sweep = (): Promise<boolean> => harness.census.instances.sweep(never);
/** The next sweep is so much later that what looked wrong before counts. */
const sweepLater = async (): Promise<void> => {
  harness.clock.advance(instanceSweepPeriods.settleMs + 1_000);
  await sweep();
};

describe("an instance whose request was deleted", () => {
  it("is removed after its registration, in every sweep until it is gone, and is told of once", async () => {
    const { name, id } = await idleRunner(harness);
    await vanish(cluster, harness, name);
    const registered: number[] = [];
    harness.provider.hooks.beforeDelete = () => void registered.push(harness.github.registrations().length);
    harness.clock.advance(instanceSweepPeriods.graceMs + 1_000);
    await sweep();
    expect(registered).toEqual([0]);
    expect(stateOf(harness, id)).toBe("Stopping");
    expect(await harness.swept("instance", "removed")).toBe(1);
    expect(await harness.events("fargate")).toEqual(["InstanceSwept"]);
    await sweepLater();
    expect(await harness.swept("instance", "removed")).toBe(1);
    expect(harness.github.violations).toEqual([]);
  });

  it("is asked to stop again when the first time had no effect", async () => {
    const { name, id } = await idleRunner(harness);
    await vanish(cluster, harness, name);
    harness.clock.advance(instanceSweepPeriods.graceMs + 1_000);
    harness.provider.failNext("delete", new Error("the answer was lost"));
    await sweep();
    expect(stateOf(harness, id)).toBe("Running");
    expect(harness.log.lines("could not sweep the instances of a class, the next sweep tries again")).toHaveLength(1);
    await sweep();
    expect(stateOf(harness, id)).toBe("Stopping");
  });

  it("is left alone while it is young, and once it is not seen in two lists", async () => {
    const { name, id } = await idleRunner(harness);
    await vanish(cluster, harness, name);
    await sweep();
    await sweep();
    expect(stateOf(harness, id)).toBe("Running");
    expect(harness.github.registrations()).toHaveLength(1);
    await sweepLater();
    expect(stateOf(harness, id)).toBe("Stopping");
  });

  it("is left alone while its runner is busy, and removed once the job is done", async () => {
    const { name, id } = await busyRunner(harness);
    await vanish(cluster, harness, name);
    await sweep();
    await sweepLater();
    expect(stateOf(harness, id)).toBe("Running");
    expect(await harness.swept("instance", "busy")).toBe(1);
    expect(harness.github.registrations()).toHaveLength(1);
    harness.github.runners.finish(`${name}-1`);
    await sweepLater();
    expect(stateOf(harness, id)).toBe("Stopping");
    expect(harness.github.report()).toMatchObject({ neverRun: [], ranTwice: [] });
  });

  it("is left alone while GitHub does not answer", async () => {
    const { name, id } = await idleRunner(harness);
    await vanish(cluster, harness, name);
    harness.clock.advance(instanceSweepPeriods.graceMs + 1_000);
    const fault = harness.github.faults.add({
      kind: "status",
      status: 403,
      path: /actions\/runners/,
      times: Number.POSITIVE_INFINITY,
    });
    await sweep();
    expect(stateOf(harness, id)).toBe("Running");
    fault.remove();
    await sweep();
    expect(stateOf(harness, id)).toBe("Stopping");
  });
});

describe("an instance that its request does not know", () => {
  it("is removed when its attempt is over; the instance of the open attempt stays", async () => {
    const { name, id } = await idleRunner(harness);
    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.interrupt(id);
    await harness.advance(61_000);
    const second = await harness.until(name, ({ status }) => status?.attempt === 2 && status.instance !== undefined, "launched");
    const launch = harness.provider.launches().find(({ attempt }) => attempt === 1);
    if (launch === undefined) throw new Error("the first attempt was not launched");
    const { instance: stray } = await harness.provider.create({ ...launch, tries: 7 }, never);
    await sweep();
    await sweepLater();
    expect(stateOf(harness, stray.id)).toBe("Stopping");
    expect(stateOf(harness, second.status?.instance?.providerId ?? "")).toBe("Pending");
    expect(harness.github.registrations().map((runner) => runner.name)).toEqual([`${name}-2`]);
  });

  it("is never one that a pass is about to record", async () => {
    harness.github.holdAssignments();
    const swept = Promise.withResolvers<void>();
    harness.provider.hooks.afterCreate = async () => {
      await sweep();
      swept.resolve();
    };
    const name = harness.nameOf(harness.queueJob());
    await swept.promise;
    await harness.until(name, ({ status }) => status?.instance !== undefined, "launched");
    expect(await harness.swept("instance", "unrecorded")).toBe(0);
  });
});
