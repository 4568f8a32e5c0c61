import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, isClean, stateOf, untilSeenOnline } from "./runners.ts";

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster, { target: { timeouts: { launch: "10m", registration: "5m", idle: "10m", job: "6h" } } });
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

describe("a cancelled job", () => {
  it("launches nothing when it is cancelled before", async () => {
    await harness.editTarget({ paused: true });
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "TargetPaused");
    harness.github.cancelJob(job.id);
    const done = await harness.until(name, isClean, "clean");
    expect(getCondition(done.status?.conditions, "Succeeded")).toMatchObject({ status: "True", reason: "JobCancelled" });
    expect(harness.provider.calls.create).toBe(0);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("retires the idle runner after a grace, GitHub first and then the instance", async () => {
    const { name, id, jobId } = await idleRunner(harness);
    harness.github.cancelJob(jobId);
    await harness.until(name, (request) => request.status?.job?.state === "Completed", "cancelled");
    await harness.pass(10_000);
    expect(harness.github.registrations()).toHaveLength(1);
    await harness.advance(21_000);
    await expect.poll(() => harness.github.registrations().length, { timeout: 10_000 }).toBe(0);
    await expect.poll(() => stateOf(harness, id), { timeout: 10_000 }).not.toBe("Running");
    await harness.advance(5_000);
    const done = await harness.until(name, isClean, "clean");
    expect(getCondition(done.status?.conditions, "Succeeded")?.reason).toBe("JobCancelled");
    expect(harness.provider.live()).toEqual([]);
  });

  it("leaves the runner alone when it has found other work meanwhile", async () => {
    const { name, id, jobId } = await idleRunner(harness);
    harness.github.cancelJob(jobId);
    await harness.until(name, (request) => request.status?.job?.state === "Completed", "cancelled");
    // A job that no request knows of: its webhook was lost.
    harness.github.webhooks.addFault({ kind: "drop", times: 10 });
    harness.queueJob();
    harness.github.holdAssignments(false);
    expect(harness.github.runners.poll(`${name}-1`)).toBeDefined();
    await harness.pass(31_000);
    expect(harness.github.counters().operations["actions/delete-self-hosted-runner-from-org"]).toBeGreaterThan(0);
    expect(stateOf(harness, id)).toBe("Running");
  });
});

describe("deadlines", () => {
  it("replace an instance that does not run in time, under a new name", async () => {
    const name = harness.nameOf(harness.queueJob());
    const first = await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    await harness.advance(10 * 60_000 + 1_000);
    await expect.poll(() => stateOf(harness, first.status?.instance?.providerId ?? ""), { timeout: 10_000 }).not.toBe("Pending");
    await harness.advance(10_000);
    const second = await harness.until(
      name,
      (request) => request.status?.attempt === 2 && request.status.instance !== undefined,
      "launched again",
    );
    expect(second.status?.runner?.name).toBe(`${name}-2`);
    expect(second.status?.attempts?.[0]).toMatchObject({ number: 1, reason: "LaunchTimedOut" });
    expect(harness.github.registrations().map((runner) => runner.name)).toEqual([`${name}-2`]);
    expect(harness.provider.live()).toHaveLength(1);
  });

  it("retire a runner that gets no job, and try again later", async () => {
    const { name, id } = await idleRunner(harness);
    await untilSeenOnline(harness, name);
    await harness.advance(10 * 60_000);
    await expect.poll(() => stateOf(harness, id), { timeout: 10_000 }).not.toBe("Running");
    await harness.advance(20_000);
    const next = await harness.until(name, (request) => request.status?.attempt === 2, "at its second attempt");
    expect(next.status?.attempts?.[0]?.reason).toBe("IdleTimedOut");
  });

  it("stop a job that runs too long, although its runner is busy", async () => {
    // GitHub would give up a job whose runner is silent; this one keeps its lock.
    harness.github.settings.lockMs = 24 * 3_600_000;
    const { name, id } = await busyRunner(harness);
    await harness.advance(6 * 3_600_000 + 1_000);
    await expect.poll(() => stateOf(harness, id), { timeout: 10_000 }).not.toBe("Running");
    await harness.advance(5_000);
    await harness.untilReason(name, "TimedOut");
  });

  it("of the job are told although the job's end was heard of meanwhile and the registration lingers", async () => {
    harness.github.settings.lockMs = 24 * 3_600_000;
    const { name, id } = await busyRunner(harness);
    // GitHub refuses to remove a busy runner, and is asked again in a minute.
    await harness.pass(6 * 3_600_000 + 60_000);
    expect(stateOf(harness, id)).not.toBe("Running");
    expect(harness.github.registrations()).toHaveLength(1);
    harness.github.runners.finish(`${name}-1`);
    await harness.until(name, ({ status }) => status?.assignedJob?.state === "Completed", "heard of the end");
    harness.provider.exit(id, 137);
    await expect
      .poll(async () => {
        await harness.pass(10_000);
        return (await harness.get(name)).status?.attempts;
      })
      .toMatchObject([{ reason: "TimedOut", endedAt: expect.any(String) }]);
    await harness.untilReason(name, "TimedOut");
  });
});
