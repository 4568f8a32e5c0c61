import { afterEach, describe, expect, it } from "vitest";
import { runnerFinalizer } from "../../src/api/v1alpha1/names.ts";
import { getCondition, isTrue } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

const cluster = testCluster();
let harness: Harness;

afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

describe("the life of a request", () => {
  it("leads from the webhook to a finished runner, with nothing left behind", async () => {
    harness = await startHarness(cluster);
    const job = harness.queueJob();
    const name = harness.nameOf(job);

    const launched = await harness.untilReason(name, "AwaitingRegistration");
    expect(launched.status).toMatchObject({
      phase: "Starting",
      attempt: 1,
      runner: { name: `${name}-1` },
      instance: { capacity: "spot", state: "Pending" },
    });
    const id = await harness.startRunner(name);
    const running = await harness.untilReason(name, "JobInProgress");
    expect(running.status?.assignedJob).toMatchObject({ id: String(job.id), state: "InProgress" });
    expect(running.status?.instance?.state).toBe("Running");

    harness.github.runners.finish(`${name}-1`);
    await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.exit(id, 0);
    await harness.advance(5_000);
    const done = await harness.until(
      name,
      (request) => !request.metadata.finalizers?.includes(runnerFinalizer),
      "without its finalizer",
    );
    expect(done.status).toMatchObject({
      phase: "Succeeded",
      job: { state: "Completed", conclusion: "success" },
      instance: { state: "Stopped", exitCode: 0 },
    });
    expect(getCondition(done.status?.conditions, "Succeeded")).toMatchObject({ status: "True", reason: "JobCompleted" });
    expect(done.status?.runner).toBeUndefined();
    expect(done.status?.attempts).toMatchObject([{ number: 1, reason: "JobCompleted", capacity: "spot" }]);
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
    expect(harness.provider.calls.create).toBe(1);
    expect(harness.github.violations).toEqual([]);
    await expect.poll(() => harness.events(name)).toEqual(expect.arrayContaining(["Launched", "JobStarted", "JobCompleted"]));
  });

  it("shows no secret in any log line, object or event, not even on the unhappy paths", async () => {
    harness = await startHarness(cluster);
    harness.provider.refuse("spot", 1);
    harness.provider.failNext("create", new Error("an unexpected failure"));
    harness.github.faults.add({ method: "POST", path: /generate-jitconfig/, kind: "lost-answer" });
    harness.github.faults.add({ method: "POST", path: /access_tokens/, kind: "status", status: 500 });
    const name = harness.nameOf(harness.queueJob());
    const id = await harness.startRunner(name);
    harness.github.runners.finish(`${name}-1`);
    await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.exit(id, 0);
    await harness.advance(5_000);
    await harness.until(name, (request) => request.metadata.finalizers === undefined, "cleaned up");
    await harness.events(name);
    const kinds = "githubapps,ecsrunnerclasses,runnertargets,runnerrequests,events.events.k8s.io";
    const objects = await cluster.kubectl(["get", kinds, "-n", harness.namespace, "-o", "json", "--show-managed-fields"]);
    const secrets = harness.github.secrets();
    expect(secrets.length).toBeGreaterThan(3);
    // Also as a JSON string would hold them, with its line ends escaped.
    const shown = secrets.filter((secret) =>
      [secret, JSON.stringify(secret).slice(1, -1)].some((text) => objects.includes(text) || harness.log.text.includes(text)),
    );
    expect(shown).toEqual([]);
  });

  it("is deleted once its history is over", async () => {
    harness = await startHarness(cluster, { target: { paused: true, history: { succeeded: "1h", failed: "24h" } } });
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "TargetPaused");
    harness.github.cancelJob(job.id);
    await harness.until(name, (request) => request.metadata.finalizers === undefined, "cleaned up");
    await harness.pass(59 * 60_000);
    expect((await harness.get(name)).metadata.deletionTimestamp).toBeUndefined();
    await harness.advance(2 * 60_000);
    await expect
      .poll(() => cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace]).then(({ stderr }) => stderr), {
        timeout: 10_000,
      })
      .toContain("NotFound");
  });

  it("follows a swap: each runner takes the other's job, and both end well without another launch", async () => {
    harness = await startHarness(cluster);
    harness.github.holdAssignments();
    const [first, second] = [harness.queueJob(), harness.queueJob()];
    const [a, b] = [harness.nameOf(first), harness.nameOf(second)];
    const ids = new Map<string, string>();
    // The second request's runner is the first one online, so GitHub gives it the oldest job: the first one's.
    ids.set(b, await harness.startRunner(b));
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${b}-1`);
    ids.set(a, await harness.startRunner(a));
    const swapped = await harness.until(b, (request) => request.status?.assignedJob !== undefined, "assigned");
    expect(swapped.status?.assignedJob?.id).toBe(String(first.id));
    await harness.until(a, (request) => request.status?.assignedJob !== undefined, "assigned");
    for (const name of [a, b]) harness.github.runners.finish(`${name}-1`);
    for (const name of [a, b]) {
      await harness.until(name, (request) => request.status?.assignedJob?.state === "Completed", "completed");
      harness.provider.exit(ids.get(name) ?? "", 0);
    }
    await harness.advance(5_000);
    for (const name of [a, b]) {
      const done = await harness.until(name, (request) => request.metadata.finalizers === undefined, "cleaned up");
      expect(isTrue(done.status?.conditions, "Succeeded")).toBe(true);
      expect(done.status?.job?.state).toBe("Completed");
    }
    expect(harness.provider.calls.create).toBe(2);
  });

  it("goes on for the sake of a job whose runner was taken by this one's while it waited for a slot", async () => {
    harness = await startHarness(cluster, { target: { maxRunners: 1 } });
    const late = harness.github.webhooks.addFault({ kind: "hold", action: "queued", times: 1 });
    const waits = harness.queueJob();
    const [robs, robbed] = [harness.nameOf(waits), harness.nameOf(harness.queueJob())];
    const robbedId = await harness.startRunnerOf(robbed, () => {
      late.release();
      return harness.untilReason(robs, "TargetAtCapacity");
    });
    // The only runner took the older job, whose own request has no runner; the other job has none any more.
    expect(harness.github.job(waits.id).status).toBe("in_progress");
    await harness.until(robs, (request) => request.status?.job?.state === "InProgress", "told that its job runs");
    harness.github.runners.finish(`${robbed}-1`);
    await harness.until(robbed, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.exit(robbedId, 0);
    await harness.advance(5_000);
    const id = await harness.startRunner(robs);
    harness.github.runners.finish(`${robs}-1`);
    await harness.until(robs, (request) => request.status?.assignedJob?.state === "Completed", "completed");
    harness.provider.exit(id, 0);
    await harness.advance(5_000);
    const done = await harness.until(robs, (request) => request.metadata.finalizers === undefined, "cleaned up");
    expect(getCondition(done.status?.conditions, "Succeeded")?.reason).toBe("JobCompleted");
    expect(harness.github.report()).toMatchObject({ neverRun: [], ranTwice: [] });
    expect(harness.provider.calls.create).toBe(2);
  });
});
