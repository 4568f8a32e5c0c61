import { afterEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { isClean, untilRequestGone } from "./runners.ts";

/* Labels such as cpu=4 shape a job's runner, as far as its target lets them. */

const cluster = testCluster();
let harness: Harness;

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const overrides = { cpu: { max: 8 }, memory: { max: "32Gi" }, image: {} };
const asking = (...labels: string[]) => ({ labels: ["self-hosted", "ecs", ...labels] });

describe("a job that asks for another runner", () => {
  it("gets one whose labels let it take the job, and the provider is told what it asks for", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    const job = harness.queueJob(asking("CPU=4.0", "memory=16GB"));
    const name = harness.nameOf(job);
    const id = await harness.startRunner(name);
    const running = await harness.untilReason(name, "JobInProgress");
    expect(running.spec.overrides).toEqual({ cpu: 4, memory: "16Gi" });
    expect(running.status?.assignedJob?.id).toBe(String(job.id));
    expect(running.status?.runner?.labels).toEqual(["self-hosted", "linux", "x64", "ecs", "cpu=4.0", "memory=16gb"]);
    expect(harness.provider.launches().map((launch) => launch.overrides)).toEqual([{ cpu: 4, memory: "16Gi" }]);
    harness.github.runners.finish(`${name}-1`);
    harness.provider.exit(id, 0);
    await harness.until(name, isClean, "clean");
    expect(harness.github.violations).toEqual([]);
  });

  it("is not helped by a plain runner that is idle, and its own request is replaced when a plain job takes its runner", async () => {
    harness = await startHarness(cluster, { target: { overrides }, timeDivisor: 20 });
    harness.github.holdAssignments();
    const large = harness.nameOf(harness.queueJob(asking("cpu=4")));
    const plain = harness.nameOf(harness.queueJob());
    await harness.startRunner(large);
    // GitHub gives the large runner to the job that asked for any: its labels are a superset.
    harness.github.job(Number(large.slice(4))).notBefore = Number.POSITIVE_INFINITY;
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${large}-1`);
    await harness.untilReason(large, "JobInProgress");
    const replacement = await harness.until(`${large}-r1`, (request) => request.status?.instance !== undefined, "launched");
    expect(replacement.spec.overrides).toEqual({ cpu: 4 });
    expect(replacement.status?.runner?.labels).toContain("cpu=4");
    // The plain job's own runner is not needed any more.
    await harness.untilReason(plain, "NotNeeded");
  });
});

describe("a job that asks for more than it may", () => {
  it("is rejected in words, at no cost at the provider or GitHub", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    const name = harness.nameOf(harness.queueJob(asking("cpu=64")));
    const rejected = await harness.until(name, isClean, "clean");
    expect(getCondition(rejected.status?.conditions, "Succeeded")).toMatchObject({
      status: "False",
      reason: "Rejected",
      message: "cpu=64: RunnerTarget web allows at most 8",
    });
    expect(rejected.status?.phase).toBe("Failed");
    expect(harness.provider.calls.create).toBe(0);
    expect(harness.github.requests().filter(({ path }) => path.includes("generate-jitconfig"))).toEqual([]);
    await expect.poll(() => harness.events(name)).toEqual(["Rejected"]);
  });

  it("is rejected for a name that the class does not have, until the class has it", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    harness.provider.missingImages.add("no-such");
    const name = harness.nameOf(harness.queueJob(asking("image=no-such")));
    const rejected = await harness.untilReason(name, "Rejected");
    expect(getCondition(rejected.status?.conditions, "Succeeded")?.message).toBe(
      "image=no-such: the class has none of that name",
    );
    expect(harness.provider.calls.create).toBe(0);
    await harness.until(name, isClean, "clean");
    harness.provider.missingImages.clear();
    await harness.editClass({ images: [{ name: "no-such", image: "ghcr.io/acme/runner:2" }] });
    await untilRequestGone(cluster, harness, name, 1_000, { timeout: 20_000 });
  });

  it("gives its name free for another request as soon as the target allows it", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    const name = harness.nameOf(harness.queueJob(asking("cpu=16")));
    await harness.until(name, isClean, "clean");
    await harness.editTarget({ overrides: { ...overrides, cpu: { max: 16 } } });
    await untilRequestGone(cluster, harness, name, 1_000, { timeout: 20_000 });
    const [delivery] = harness.github.webhooks.log.list(harness.github.app);
    if (delivery === undefined) throw new Error("nothing was delivered");
    harness.github.webhooks.redeliver(delivery);
    expect((await harness.startRunner(name)).length).toBeGreaterThan(0);
  });

  it("stays while its job waits, however short the history is, so that no sweep makes it anew", async () => {
    harness = await startHarness(cluster, { target: { overrides, history: { succeeded: "1m", failed: "1m" } } });
    const job = harness.queueJob(asking("cpu=16"));
    const name = harness.nameOf(job);
    const { metadata } = await harness.until(name, isClean, "clean");
    await harness.pass(10 * 60_000);
    expect((await harness.get(name)).metadata.uid).toBe(metadata.uid);
    harness.github.cancelJob(job.id);
    await untilRequestGone(cluster, harness, name, 60_000, { timeout: 20_000 });
  });

  it("stays when its job is over, although the target would allow it by now", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    const job = harness.queueJob(asking("cpu=16"));
    const name = harness.nameOf(job);
    const { metadata } = await harness.until(name, isClean, "clean");
    harness.github.cancelJob(job.id);
    await harness.until(name, ({ status }) => status?.job?.state === "Completed", "over");
    await harness.editTarget({ overrides: { ...overrides, cpu: { max: 16 } } });
    await harness.pass(1_000);
    expect((await harness.get(name)).metadata.uid).toBe(metadata.uid);
  });

  it("stays to be seen while the target changes in another way", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    const name = harness.nameOf(harness.queueJob(asking("cpu=16")));
    const { metadata } = await harness.until(name, isClean, "clean");
    await harness.editTarget({ priority: 3 });
    await harness.pass(60_000);
    expect((await harness.get(name)).metadata.uid).toBe(metadata.uid);
  });
});

/** Takes away what a job asked for, as an edit of the class does. */
async function takeImageAway(image: string): Promise<void> {
  harness.provider.missingImages.add(image);
  await harness.editClass({ images: [{ name: "another", image: "ghcr.io/acme/runner:2" }] });
}

describe("a job that may have its runner no more, after the provider was called for it", () => {
  const noAnswer = new ProviderError("Throttled", "no answer that says whether it was started", { retryAfterMs: 20_000 });
  const stopped = { message: "image=node-22: the class has none of that name" };

  it("keeps the runner that the call started", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    harness.provider.loseNextAnswer(noAnswer);
    const name = harness.nameOf(harness.queueJob(asking("image=node-22")));
    await harness.untilReason(name, "Throttled");
    await takeImageAway("node-22");
    await harness.advance(20_000);
    const adopted = await harness.until(name, ({ status }) => status?.instance !== undefined, "adopted");
    expect(adopted.status?.instance?.providerId).toBe(harness.provider.live()[0]?.id);
    expect(harness.provider.calls.create).toBe(1);
    expect(adopted.status?.runner?.id).toBeGreaterThan(0);
  });

  it("is rejected once it is certain that nothing was started, and leaves nothing behind", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    harness.provider.failNext("create", noAnswer);
    const name = harness.nameOf(harness.queueJob(asking("image=node-22")));
    await harness.untilReason(name, "Throttled");
    await takeImageAway("node-22");
    await expect
      .poll(
        async () => {
          await harness.advance(15_000);
          return getCondition((await harness.get(name)).status?.conditions, "Succeeded");
        },
        { timeout: 15_000, interval: 300 },
      )
      .toMatchObject({ reason: "Rejected", ...stopped });
    await harness.until(name, isClean, "clean");
    expect(harness.provider.calls.create).toBe(1);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("keeps the runner that an earlier process started without storing it", async () => {
    harness = await startHarness(cluster, { target: { overrides } });
    harness.provider.hooks.afterCreate = () => new Promise<void>(() => undefined);
    const name = harness.nameOf(harness.queueJob(asking("image=node-22")));
    await expect.poll(() => harness.provider.live().length).toBe(1);
    harness.crash();
    await takeImageAway("node-22");
    // The job is looked at before anybody has counted.
    harness.provider.failNext("list", new ProviderError("Unavailable", "no answer"));
    await harness.succeed();
    const adopted = await harness.until(name, ({ status }) => status?.instance !== undefined, "adopted");
    expect(adopted.status?.instance?.providerId).toBe(harness.provider.live()[0]?.id);
    expect(harness.provider.calls.create).toBe(1);
  });
});
