import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { createEcsProvider } from "../../src/provider/ecs/provider.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import type { FakeFeed } from "../../src/provider/fake/feed.ts";
import { FakeProvider } from "../../src/provider/fake/provider.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import { startEventQueue } from "../sim/sqs/event-queue.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, ShiftClock, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, isClean } from "./runners.ts";

const cluster = testCluster();
let harness: Harness;
let feed: FakeFeed;

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

/** An operator whose provider pushes what its instances do, from before the operator began. */
async function fedHarness(): Promise<void> {
  const clock = new ShiftClock();
  const provider = new FakeProvider({ clock });
  feed = provider.startFeed();
  harness = await startHarness(cluster, { clock, provider });
  await expect.poll(() => harness.metric("getabako_feeds", { state: "live" })).toBe(1);
}

/** Ends a busy runner's job and its instance, and waits until nothing is left of the request. */
async function endJob(name: string, id: string): Promise<void> {
  harness.github.runners.finish(`${name}-1`);
  await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
  harness.provider.exit(id, 0);
  await harness.until(name, isClean, "clean");
}

/** The notes of a request's events of one reason. */
async function notes(name: string, reason: string): Promise<string[]> {
  await harness.events(name);
  const list = JSON.parse(await cluster.kubectl(["get", "events.events.k8s.io", "-n", harness.namespace, "-o", "json"])) as {
    items: { reason: string; note: string; regarding?: { name?: string } }[];
  };
  return list.items.filter((event) => event.regarding?.name === name && event.reason === reason).map(({ note }) => note);
}

describe("changes that are told", () => {
  it("lead a job from its launch to its end without the instance being read once, and at once", async () => {
    await fedHarness();
    const { name, id } = await busyRunner(harness);
    expect((await harness.until(name, (r) => r.status?.instance?.state === "Running", "running")).status?.phase).toBe("Running");
    // Two minutes are the pace of a busy runner; the feed says that it lives.
    for (const _ of [1, 2, 3]) {
      await harness.pass(45_000);
      feed.deliver();
      await expect.poll(() => feed.unsettled).toBe(0);
    }
    await endJob(name, id);
    expect((await harness.get(name)).status).toMatchObject({ phase: "Succeeded", instance: { state: "Stopped", exitCode: 0 } });
    expect(harness.provider.calls.get).toBe(0);
    await expect.poll(() => feed.unsettled).toBe(0);
    expect(await harness.metric("getabako_feed_messages_total", { outcome: "early" })).toBeGreaterThan(0);
  });

  it("are not lost when they come before the launch is stored", async () => {
    await fedHarness();
    harness.provider.hooks.afterCreate = async ({ id }) => {
      harness.provider.exit(id, 1);
      delete harness.provider.hooks.afterCreate;
      // Read by the operator while the launch is under way, so nobody watches the instance.
      await expect.poll(() => feed.unsettled).toBe(0);
    };
    harness.github.holdAssignments();
    const name = harness.nameOf(harness.queueJob());
    const again = await harness.until(name, (request) => request.status?.attempts?.[0]?.endedAt !== undefined, "tried again");
    expect(again.status?.attempts?.[0]).toMatchObject({ number: 1, reason: "NoJob" });
    expect(harness.provider.calls.get).toBe(0);
  });

  it("are not lost when the status that holds them is refused, since somebody else wrote first", async () => {
    await fedHarness();
    const { name, id, jobId } = await idleRunner(harness);
    const asked = harness.github.faults.add({ method: "GET", path: `/actions/jobs/${jobId}$`, kind: "hold" });
    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.exit(id, 1);
    await asked.struck();
    await harness.stores.requests.client.patchMetadata(await harness.get(name), {
      annotations: { "test.example/wrote": "first" },
    });
    asked.remove();
    const ended = await harness.until(name, (request) => request.status?.attempts?.[0]?.reason !== undefined, "told of the end");
    expect(ended.status?.attempts?.[0]).toMatchObject({ number: 1, reason: "NoJob" });
    expect(harness.provider.calls.get).toBe(0);
  });

  it("may stop in the middle: polling ends the job, and the class is told when they come again", async () => {
    await fedHarness();
    const { name, id } = await busyRunner(harness);
    feed.fail(new ProviderError("Unauthorized", "the operator may not read the queue"));
    harness.provider.findings.push({ severity: "Warning", reason: "QueueUnreachable", message: "the queue cannot be read" });
    harness.github.runners.finish(`${name}-1`);
    await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.exit(id, 0);
    // Within a minute of the last word the feed counts as silent; the end is read then.
    await harness.advance(61_000);
    await harness.until(name, isClean, "clean");
    expect(harness.provider.calls.get).toBeGreaterThan(0);
    expect((await harness.get(name)).status).toMatchObject({ instance: { state: "Stopped", exitCode: 0 } });
    await expect.poll(() => harness.metric("getabako_feeds", { state: "down" }), { timeout: 20_000 }).toBe(1);
    await expect.poll(() => notes("fargate", "QueueUnreachable")).toEqual(["the queue cannot be read"]);

    const reads = harness.provider.calls.get;
    feed.mend();
    await expect.poll(() => harness.metric("getabako_feeds", { state: "live" }), { timeout: 40_000 }).toBe(1);
    const next = await busyRunner(harness);
    await endJob(next.name, next.id);
    expect(harness.provider.calls.get).toBe(reads);
  });

  it("that fail to come are missed: the class says so, and its instances are read at the usual pace", async () => {
    await fedHarness();
    const { name, id } = await busyRunner(harness);
    await harness.until(name, (request) => request.status?.instance?.state === "Running", "running");
    feed.mute();
    harness.github.runners.finish(`${name}-1`);
    await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.exit(id, 0);
    const minute = async (): Promise<void> => {
      for (const ms of [20_000, 20_000, 21_000]) {
        await harness.advance(ms);
        feed.deliver();
        await expect.poll(() => feed.unsettled).toBe(0);
      }
    };
    await minute();
    await harness.until(name, isClean, "clean");
    expect(harness.provider.calls.get).toBe(1);
    await minute();
    await expect.poll(() => notes("fargate", "EventsMissing")).toEqual([expect.stringContaining("EventBridge rule")]);
    await idleRunner(harness);
    await harness.advance(11_000);
    await expect.poll(() => harness.provider.calls.get).toBe(2);
  });

  it("tell of an interruption two minutes before: it is recorded and said once, and nothing is stopped for it", async () => {
    await fedHarness();
    const { name, id } = await busyRunner(harness);
    await harness.until(name, (request) => request.status?.instance?.state === "Running", "running");
    harness.provider.interrupt(id, { notice: true });
    const warned = await harness.until(name, (request) => request.status?.instance?.interruptedAt !== undefined, "interrupted");
    expect(warned.status).toMatchObject({ phase: "Running", instance: { state: "Running" } });
    await harness.pass(30_000);
    expect(harness.provider.calls.delete).toBe(0);
    await expect.poll(() => notes(name, "Interrupted")).toEqual([expect.stringContaining('acme/web: "')]);
    expect(await harness.metric("getabako_runner_interruptions_total", { busy: "true" })).toBe(1);

    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.advance(id, "Stopped");
    await harness.until(name, (request) => request.status?.instance?.state === "Stopped", "stopped");
    await harness.advance(61_000);
    const lost = await harness.untilReason(name, "RunnerLost");
    expect(lost.status?.instance?.interruptedAt).toBe(warned.status?.instance?.interruptedAt);
    expect(await notes(name, "Interrupted")).toHaveLength(1);
    expect(harness.provider.calls.delete).toBe(0);
  });

  it("let a job end in time after the notice of an interruption", async () => {
    await fedHarness();
    const { name, id } = await busyRunner(harness);
    harness.provider.interrupt(id, { notice: true });
    await harness.until(name, (request) => request.status?.instance?.interruptedAt !== undefined, "interrupted");
    harness.github.runners.finish(`${name}-1`);
    await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.advance(id, "Stopped");
    await harness.until(name, isClean, "clean");
    expect((await harness.untilReason(name, "JobCompleted")).status?.phase).toBe("Succeeded");
  });
});

it("an interruption whose notice nobody saw is recorded with the end", async () => {
  harness = await startHarness(cluster);
  const { name, id } = await busyRunner(harness);
  harness.github.runners.disconnect(`${name}-1`);
  harness.provider.interrupt(id);
  await harness.advance(121_000);
  const ended = await harness.until(name, (request) => request.status?.instance?.state === "Stopped", "stopped");
  expect(ended.status?.instance?.interruptedAt).toBeDefined();
  await expect.poll(() => notes(name, "Interrupted")).toHaveLength(1);
});

it("with EventBridge and SQS, jobs on ECS cost RunTask alone", async () => {
  const queue = await startEventQueue();
  const sim = await startEcsSim({
    timings: 20,
    events: { sink: queue.sink, duplicates: () => 1 },
    runner: (task) => runner(task),
  });
  const provider = createEcsProvider({
    clock: { now: () => Date.now() },
    log: silentLogger(),
    openSender: async () => {
      const sdk = await import("@aws-sdk/client-ecs");
      return { sdk, client: new sdk.ECSClient({ ...sim.clientConfig, maxAttempts: 1 }) };
    },
    openSqsSender: async () => {
      const sdk = await import("@aws-sdk/client-sqs");
      return { sdk, client: new sdk.SQSClient({ ...sim.clientConfig, endpoint: queue.origin, maxAttempts: 1 }) };
    },
  });
  onTestFinished(async () => {
    await provider.close();
    await sim.close();
    await queue.close();
  });
  harness = await startHarness(cluster, {
    backend: { provider, spec: { region: sim.region, events: { queueUrl: queue.url } } },
  });
  const runner = githubRunner(harness.github);
  await expect.poll(() => harness.metric("getabako_feeds", { state: "live" })).toBe(1);
  sim.calls.clear();
  const names = Array.from({ length: 20 }, () => harness.nameOf(harness.queueJob({ durationMs: 300 })));
  for (const name of names) {
    const done = await harness.until(name, isClean, "clean");
    expect(done.status).toMatchObject({ phase: "Succeeded", instance: { state: "Stopped", exitCode: 0 } });
  }
  expect(sim.calls.count("RunTask")).toBe(20);
  expect(sim.calls.count("DescribeTasks")).toBe(0);
  expect(sim.report()).toMatchObject({ live: [], violations: [] });
  await expect.poll(() => queue.count()).toBe(0);
});
