import { afterEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import type { Job } from "../sim/github/state/model.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { isClean } from "./runners.ts";

/* GitHub gives a job to any runner that has its labels, also a job that no target covers. What it leaves alone must not stay so. */

const cluster = testCluster();
let harness: Harness;

/** The accounting waits for the clock of the wall: a divisor makes its graces shorter. */
const start = async (timeDivisor: number): Promise<void> => {
  harness = await startHarness(cluster, {
    target: { repositories: { include: ["acme/web"], exclude: [], allowPublic: false } },
    timeDivisor,
  });
};
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

/** A job of a repository that the target does not serve; nobody makes a runner for it. */
const stranger = (): Job => harness.queueJob({ repository: "acme/api" });

/** Runs whatever job the runner of a request got, to its end. */
async function finishRunner(name: string, id: string): Promise<void> {
  harness.github.runners.finish(`${name}-1`);
  harness.provider.exit(id, 0);
  await harness.until(name, isClean, "cleaned up");
}

describe("a job whose runner was taken by another job", () => {
  it("gets a replacement, and both requests tell both stories", async () => {
    await start(20);
    const foreign = stranger();
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    const id = await harness.startRunner(name);
    const second = await harness.startRunner(`${name}-r1`);
    await harness.untilReason(`${name}-r1`, "JobInProgress");
    await finishRunner(name, id);
    await finishRunner(`${name}-r1`, second);

    const robbed = await harness.get(name);
    const replacement = await harness.get(`${name}-r1`);
    expect(robbed.status).toMatchObject({
      job: { state: "Completed" },
      assignedJob: { id: String(foreign.id), repository: "acme/api" },
    });
    expect(replacement.spec).toMatchObject({ source: "Replacement", job: { id: String(job.id) } });
    expect(replacement.status).toMatchObject({ job: { state: "Completed" }, assignedJob: { id: String(job.id) } });
    expect(getCondition(replacement.status?.conditions, "Succeeded")).toMatchObject({ status: "True", reason: "JobCompleted" });
    await expect.poll(() => harness.events(name)).toContain("Replaced");
    expect(harness.github.report()).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [] });
    expect(harness.provider.calls.create).toBe(2);
  });

  it("gets no replacement while another runner of the target is left over for it", async () => {
    // The events of a swap come one after the other; on a slow machine not within a quarter of a second.
    await start(2);
    harness.github.holdAssignments();
    const [first, second] = [harness.queueJob(), harness.queueJob()];
    const names = [first, second].map((job) => harness.nameOf(job));
    await harness.startRunner(names[0] ?? "");
    const id = await harness.startRunner(names[1] ?? "");
    harness.github.cancelJob(second.id);
    stranger();
    // The stranger is younger than the first job, whose runner takes its own; the spare one serves the stranger.
    harness.github.holdAssignments(false);
    for (const name of names) harness.github.runners.poll(`${name}-1`);
    await harness.untilReason(names[0] ?? "", "JobInProgress");
    await harness.untilReason(names[1] ?? "", "JobInProgress");
    harness.github.runners.finish(`${names[1]}-1`);
    harness.provider.exit(id, 0);
    await harness.until(names[1] ?? "", isClean, "cleaned up");
    const before = await harness.passes("runnertarget.balance");
    await harness.advance(60_000);
    await expect.poll(() => harness.passes("runnertarget.balance")).toBeGreaterThan(before);
    const { items } = await harness.stores.requests.client.list({ namespace: harness.namespace });
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual([...names].sort());
  });

  it("starves after three replacements, visibly, and is served by a later one", async () => {
    await start(20);
    const job = harness.queueJob({ assignAfterMs: 20 * 60_000 });
    const name = harness.nameOf(job);
    for (const request of [name, `${name}-r1`, `${name}-r2`, `${name}-r3`]) {
      stranger();
      await finishRunner(request, await harness.startRunner(request));
    }
    await expect.poll(() => harness.events(`${name}-r3`)).toContain("Starved");
    expect(harness.provider.calls.create).toBe(4);

    await harness.advance(30 * 60_000);
    harness.github.tick();
    const last = await harness.startRunner(`${name}-r4`);
    await harness.untilReason(`${name}-r4`, "JobInProgress");
    await finishRunner(`${name}-r4`, last);
    expect(harness.github.report()).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [] });
  });

  it("that ends while its replacement waits needs that no more, and nothing is launched", async () => {
    await start(20);
    await harness.editTarget({ maxRunners: 1 });
    stranger();
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    const id = await harness.startRunner(name);
    await harness.untilReason(`${name}-r1`, "TargetAtCapacity");
    harness.github.cancelJob(job.id);
    await harness.untilReason(`${name}-r1`, "JobCancelled");
    await finishRunner(name, id);
    expect(harness.provider.calls.create).toBe(1);
  });
});

describe("a finished request whose job still waits", () => {
  it("is kept beyond its history, so that the number of its replacements stays known", async () => {
    await start(20);
    await harness.editTarget({ history: { succeeded: "1s", failed: "1s" } });
    stranger();
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await finishRunner(name, await harness.startRunner(name));
    await harness.advance(10_000);
    const second = await harness.startRunner(`${name}-r1`);
    expect(isClean(await harness.get(name))).toBe(true);
    harness.github.runners.finish(`${name}-r1-1`);
    harness.provider.exit(second, 0);
    await expect
      .poll(async () => {
        await harness.pass(10_000);
        return (await harness.stores.requests.client.list({ namespace: harness.namespace })).items.length;
      })
      .toBe(0);
  });
});
