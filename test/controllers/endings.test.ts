import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { releaseAnnotation } from "../../src/api/v1alpha1/names.ts";
import { getCondition } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, isClean, stateOf, untilRequestGone } from "./runners.ts";

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster, { target: { timeouts: { launch: "10m", registration: "5m", idle: "10m", job: "6h" } } });
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

describe("an instance that ends", () => {
  it("before a job began is replaced, with a new name and a new configuration", async () => {
    const { name, id } = await idleRunner(harness);
    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.interrupt(id);
    await harness.advance(61_000);
    const second = await harness.until(
      name,
      (request) => request.status?.attempt === 2 && request.status.instance !== undefined,
      "launched again",
    );
    expect(second.status?.attempts?.[0]).toMatchObject({ number: 1, reason: "Interrupted" });
    const [first, again] = harness.provider.launches();
    expect(again?.jitConfig).not.toBe(first?.jitConfig);
    expect(harness.provider.live()).toHaveLength(1);
  });

  it("while its job ran is reported as lost, once GitHub had time to tell otherwise", async () => {
    const { name, id } = await busyRunner(harness);
    // Read once after the launch, then every two minutes: the end comes shortly before such a look.
    await harness.advance(25_000);
    await expect.poll(() => harness.provider.calls.get, { timeout: 10_000 }).toBe(1);
    await harness.advance(100_000);
    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.interrupt(id);
    await harness.advance(21_000);
    // Seen to have ended just now: the event of its job's end may still be on its way.
    await harness.until(name, (request) => request.status?.instance?.state === "Stopped", "stopped");
    expect(getCondition((await harness.get(name)).status?.conditions, "Succeeded")?.status).toBe("Unknown");
    await harness.advance(61_000);
    const lost = await harness.untilReason(name, "RunnerLost");
    expect(getCondition(lost.status?.conditions, "Succeeded")?.status).toBe("False");
    await expect.poll(() => harness.events(name)).toContain("RunnerLost");
  });

  it("with its job, which GitHub then fails by itself, leaves no registration behind", async () => {
    const { name, id } = await busyRunner(harness);
    harness.github.runners.disconnect(`${name}-1`);
    harness.provider.exit(id, 137);
    // GitHub fails a job whose runner is silent, calls that runner busy for a while yet, and keeps it registered for a day.
    harness.clock.advance(11 * 60_000);
    harness.github.tick();
    await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "told of its job's end");
    await expect
      .poll(
        async () => {
          await harness.pass(61_000);
          harness.github.tick();
          return harness.github.registrations().length;
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBe(0);
    expect(isClean(await harness.until(name, isClean, "clean"))).toBe(true);
  });

  it("is not assumed of a busy runner, whatever was heard of a job of an earlier runner of its name", async () => {
    const { name, id } = await idleRunner(harness);
    harness.github.webhooks.addFault({ kind: "drop", action: "in_progress", times: 10 });
    harness.github.holdAssignments(false);
    expect(harness.github.runners.poll(`${name}-1`)).toBeDefined();
    // A request of this name was there before, was deleted and made again; the event of its runner's job came late.
    const request = await harness.get(name);
    const before = new Date(harness.clock.now() - 60_000).toISOString();
    const assignedJob = {
      id: "4711",
      repository: "acme/api",
      name: "build",
      state: "Completed",
      startedAt: before,
      completedAt: before,
    } as const;
    await harness.stores.requests.client.patchStatus(request, { ...request.status, assignedJob });
    await harness.pass(3 * 60_000);
    expect(harness.github.counters().operations["actions/delete-self-hosted-runner-from-org"]).toBeGreaterThan(0);
    expect(stateOf(harness, id)).toBe("Running");
    expect(harness.provider.calls.delete).toBe(0);
  });

  it("before GitHub's events tell that it did another request's job needs no second attempt", async () => {
    harness.github.holdAssignments();
    const [first, second] = [harness.queueJob(), harness.queueJob()];
    const [a, b] = [harness.nameOf(first), harness.nameOf(second)];
    // The runner of b is the first one online, so it gets the oldest job, and nobody hears of it until it has ended.
    const id = await harness.startRunner(b);
    const late = ["in_progress", "completed"].map((action) =>
      harness.github.webhooks.addFault({ kind: "hold", action, job: first.id }),
    );
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${b}-1`);
    harness.github.runners.finish(`${b}-1`);
    harness.provider.exit(id, 0);
    // The instance is watched after the pass that launched it: a clock that moves before that would put the first look off.
    await harness.pass(0);
    await harness.advance(10_000);
    await harness.until(b, (request) => request.status?.instance?.state === "Stopped", "stopped");
    await harness.pass(0);
    for (const fault of late) fault.release();
    const done = await harness.until(b, isClean, "clean");
    expect(done.status?.assignedJob?.id).toBe(String(first.id));
    expect(done.status?.attempts).toMatchObject([{ number: 1, reason: "JobCompleted" }]);
    await harness.startRunner(a);
    await harness.untilReason(a, "JobInProgress");
    expect(harness.provider.calls.create).toBe(2);
  });

  it("before the event of its job's end arrives is no loss", async () => {
    const { name, id } = await busyRunner(harness);
    harness.github.webhooks.addFault({ kind: "drop", times: 10 });
    harness.github.runners.finish(`${name}-1`);
    harness.provider.exit(id, 0);
    await harness.advance(121_000);
    await harness.until(name, (request) => request.status?.instance?.state === "Stopped", "stopped");
    await harness.advance(61_000);
    const done = await harness.untilReason(name, "JobCompleted");
    expect(done.status?.assignedJob).toMatchObject({ state: "Completed", conclusion: "success" });
  });
});

describe("deleting a request", () => {
  it("stops a busy runner, because a person decided so, and leaves nothing behind", async () => {
    const { name, id } = await busyRunner(harness);
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--wait=false"]);
    await expect.poll(() => stateOf(harness, id), { timeout: 10_000 }).not.toBe("Running");
    harness.github.runners.disconnect(`${name}-1`);
    harness.clock.advance(20 * 60_000);
    harness.github.tick();
    await untilRequestGone(cluster, harness, name, 60_000, { timeout: 20_000 });
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("removes an idle runner", async () => {
    const { name } = await idleRunner(harness);
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--wait=false"]);
    await expect
      .poll(
        async () => {
          await harness.pass(5_000);
          return (await cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace])).stderr;
        },
        { timeout: 20_000 },
      )
      .toContain("NotFound");
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("keeps the object while the runner cannot be removed at GitHub, and lets it go when a person says so", async () => {
    const { name } = await idleRunner(harness);
    harness.github.faults.add({ method: "DELETE", times: 1_000, kind: "status", status: 500 });
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--wait=false"]);
    await harness.until(
      name,
      (request) => request.status?.instance?.state === "Stopping" || request.status?.instance?.state === "Stopped",
      "stopping",
    );
    await harness.advance(5_000);
    expect(isClean(await harness.get(name))).toBe(false);
    await cluster.kubectl(["annotate", "rr", name, "-n", harness.namespace, `${releaseAnnotation}=true`]);
    await expect
      .poll(() => cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace]).then(({ stderr }) => stderr), {
        timeout: 15_000,
      })
      .toContain("NotFound");
    await expect.poll(() => harness.events(name)).toContain("Released");
  });

  it("works when target and class are gone before", async () => {
    const { name } = await idleRunner(harness);
    await cluster.kubectl(["delete", "rt/web", "ecsrc/fargate", "-n", harness.namespace]);
    await cluster.kubectl(["delete", "rr", name, "-n", harness.namespace, "--wait=false"]);
    await expect
      .poll(
        async () => {
          await harness.pass(5_000);
          return (await cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace])).stderr;
        },
        { timeout: 20_000 },
      )
      .toContain("NotFound");
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });
});
