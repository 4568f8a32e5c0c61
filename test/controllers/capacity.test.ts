import { afterEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

const cluster = testCluster();
let harness: Harness;

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

/** Queues jobs until the target is full, and more behind them: events of different jobs overtake each other, so those wait for these. */
async function queueBehind(full: number, waiting: number): Promise<string[]> {
  const queue = (count: number): string[] => Array.from({ length: count }, () => harness.nameOf(harness.queueJob()));
  const first = queue(full);
  await expect.poll(() => harness.provider.live().length).toBe(full);
  return [...first, ...queue(waiting)];
}

/**
 * Runs the jobs one after the other: the next runner ends only when the slot of the last one is taken again, so that what is launched
 * shows the order of the queue. With two slots free at once, the write of one grant may meet a conflict and come behind the other.
 */
async function workInTurn(names: readonly string[], slots: number): Promise<number> {
  let most = 0;
  for (let done = 1; done <= names.length; done += 1) {
    const instance = harness.provider.live()[0];
    const runner = instance?.runnerName ?? "";
    harness.provider.advance(instance?.id ?? "", "Running");
    harness.github.runners.connect(runner);
    await expect.poll(() => harness.github.runners.poll(runner), { timeout: 10_000 }).toBeDefined();
    harness.github.runners.finish(runner);
    harness.provider.exit(instance?.id ?? "", 0);
    await expect
      .poll(
        async () => {
          await harness.pass(3_000);
          most = Math.max(most, harness.provider.live().length);
          return harness.provider.launches().length;
        },
        { timeout: 15_000, interval: 50 },
      )
      .toBe(Math.min(names.length, slots + done));
  }
  return most;
}

describe("maxRunners", () => {
  it("is never exceeded, nothing is dropped, and the oldest goes first", async () => {
    harness = await startHarness(cluster, { target: { maxRunners: 2 } });
    const names = await queueBehind(2, 6);
    // All of them: the event of the last may be handled before that of another, which would then come behind it.
    const waiting = await Promise.all(names.slice(2).map((name) => harness.untilReason(name, "TargetAtCapacity")));
    const last = waiting.at(-1);
    expect(getCondition(last?.status?.conditions, "Admitted")?.message).toContain("all of its 2 runners");
    expect(await workInTurn(names, 2)).toBeLessThanOrEqual(2);
    expect(harness.provider.calls.create).toBe(8);
    const launched = harness.provider.launches().map(({ requestName }) => requestName);
    expect(launched.slice(2)).toEqual(names.slice(2));
  });

  it("lets more start when it is raised", async () => {
    harness = await startHarness(cluster, { target: { maxRunners: 1 } });
    const names = await queueBehind(1, 2);
    await harness.untilReason(names[2] ?? "", "TargetAtCapacity");
    await harness.editTarget({ maxRunners: 3 });
    await expect.poll(() => harness.provider.live().length, { timeout: 10_000 }).toBe(3);
  });

  it("gives a repository with one job its turn among many of another", async () => {
    harness = await startHarness(cluster, { target: { maxRunners: 2 } });
    for (let count = 0; count < 6; count += 1) harness.queueJob({ repository: "acme/web" });
    await expect.poll(() => harness.provider.live().length, { timeout: 10_000 }).toBe(2);
    const few = harness.nameOf(harness.queueJob({ repository: "acme/api" }));
    await harness.untilReason(few, "TargetAtCapacity");
    const first = harness.provider.live()[0];
    harness.github.runners.connect(first?.runnerName ?? "");
    harness.github.runners.poll(first?.runnerName ?? "");
    harness.github.runners.finish(first?.runnerName ?? "");
    harness.provider.exit(first?.id ?? "", 0);
    await expect
      .poll(
        async () => {
          await harness.pass(3_000);
          return harness.provider.launches().map(({ requestName }) => requestName);
        },
        { timeout: 15_000, interval: 100 },
      )
      .toHaveLength(3);
    expect(harness.provider.launches()[2]?.requestName).toBe(few);
  });

  it("is reported in the target's status, which counts what its runners do", async () => {
    harness = await startHarness(cluster, { target: { maxRunners: 2 } });
    const names = await queueBehind(2, 1);
    await harness.startRunner(names[0] ?? "");
    await expect
      .poll(async () => (await harness.stores.targets.client.get({ namespace: harness.namespace, name: "web" })).status, {
        timeout: 10_000,
      })
      .toMatchObject({ queued: 1, starting: 1, idle: 0, running: 1 });
  });
});
