import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { ProviderError } from "../../src/provider/errors.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const launchedReason = (request: { status?: { conditions?: Parameters<typeof getCondition>[0] } }): string | undefined =>
  getCondition(request.status?.conditions, "Launched")?.reason;

describe("launching", () => {
  it("goes on to the next rung when one has no capacity, and shows the refusal", async () => {
    harness.provider.refuse("spot", 1, "RESOURCE:CPU");
    const name = harness.nameOf(harness.queueJob());
    const launched = await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(launched.status?.instance?.capacity).toBe("on-demand");
    expect(launched.status?.attempts).toMatchObject([
      { number: 1, capacity: "on-demand", refused: [{ capacity: "spot", reason: "RESOURCE:CPU" }] },
    ]);
    await expect.poll(() => harness.events(name)).toContain("CapacityRefused");
  });

  it("waits and tries again with the same runner when no rung has capacity", async () => {
    harness.provider.refuse("spot");
    harness.provider.refuse("on-demand");
    const name = harness.nameOf(harness.queueJob());
    const refused = await harness.untilReason(name, "InsufficientCapacity");
    expect(refused.status?.attempts).toMatchObject([
      { number: 1, tries: 1, refused: [{ capacity: "spot" }, { capacity: "on-demand" }] },
    ]);
    expect(refused.status?.instance).toBeUndefined();
    harness.provider.accept("on-demand");
    await harness.advance(15_000);
    const launched = await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(launched.status).toMatchObject({ attempt: 1, runner: { name: `${name}-1` }, instance: { capacity: "on-demand" } });
    // The configuration that nobody received is used, so GitHub was asked for one runner only.
    expect(harness.github.registrations().map((runner) => runner.name)).toEqual([`${name}-1`]);
    expect(harness.provider.launches().map(({ tries }) => tries)).toEqual([0, 1]);
  });

  it("repeats the same call when its outcome is unknown, and never starts a second instance", async () => {
    harness.provider.loseNextAnswer(new ProviderError("Unavailable", "the answer was lost"));
    const name = harness.nameOf(harness.queueJob());
    await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(harness.provider.calls.create).toBe(2);
    const [first, second] = harness.provider.launches();
    expect(second).toEqual(first);
    expect(harness.provider.all()).toHaveLength(1);
  });

  it("adopts the instance that an earlier process had started without storing it", async () => {
    // What a crash between the provider's answer and the status write leaves: a registration, an instance, and nothing in the status.
    const leftover = harness.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 1 });
    const name = harness.nameOf(leftover);
    const first = await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    const target = await cluster.kubectl(["get", "rr", name, "-n", harness.namespace, "-o", "json"]);
    const uid = (JSON.parse(target) as { metadata: { uid: string } }).metadata.uid;
    await cluster.kubectl([
      "patch",
      "rr",
      name,
      "-n",
      harness.namespace,
      "--subresource=status",
      "--type=json",
      "-p",
      '[{"op":"remove","path":"/status"}]',
    ]);
    const again = await harness.until(name, (request) => request.status?.instance !== undefined, "launched again");
    expect(again.status?.instance?.providerId).toBe(first.status?.instance?.providerId);
    expect(again.metadata.uid).toBe(uid);
    expect(again.status?.runner?.id).toBe(first.status?.runner?.id);
    expect(harness.provider.all()).toHaveLength(1);
    expect(harness.github.registrations()).toHaveLength(1);
  });

  it("clears a stale registration that has no instance, and registers again", async () => {
    harness.github.faults.add({ method: "POST", path: /generate-jitconfig/, times: 1, kind: "lost-answer" });
    const name = harness.nameOf(harness.queueJob());
    const launched = await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(launched.status?.runner?.name).toBe(`${name}-1`);
    expect(harness.github.registrations().map((runner) => runner.id)).toEqual([launched.status?.runner?.id]);
  });

  it("waits for a change of the class when the provider refuses what it describes", async () => {
    harness.provider.failNext(
      "create",
      new ProviderError("InvalidRequest", "the image reference is not valid: check spec.image"),
    );
    const name = harness.nameOf(harness.queueJob());
    const refused = await harness.untilReason(name, "AwaitingChange");
    expect(launchedReason(refused)).toBe("ConfigError");
    expect(getCondition(refused.status?.conditions, "Launched")?.status).toBe("False");
    await harness.pass(5 * 60_000);
    expect(harness.provider.calls.create).toBe(1);
    await harness.editClass({ image: "ghcr.io/acme/runner:2" });
    await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(harness.provider.calls.create).toBe(2);
  });

  it("does not launch for a job that GitHub says is over, when its event is old", async () => {
    await harness.editTarget({ paused: true });
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "TargetPaused");
    harness.github.webhooks.addFault({ kind: "drop", times: 10 });
    harness.github.cancelJob(job.id);
    harness.clock.advance(6 * 60_000);
    await harness.editTarget({ paused: false });
    await harness.untilReason(name, "JobCancelled");
    expect(harness.provider.calls.create).toBe(0);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("starts the runner although GitHub cannot tell whether the job still waits", async () => {
    await harness.editTarget({ paused: true });
    const name = harness.nameOf(harness.queueJob());
    await harness.untilReason(name, "TargetPaused");
    harness.github.faults.add({ method: "GET", path: /actions\/jobs/, times: 20, kind: "status", status: 500 });
    harness.clock.advance(6 * 60_000);
    await harness.editTarget({ paused: false });
    const launched = await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
    expect(launched.status?.job?.state).toBe("Queued");
  });

  it("says what is missing when GitHub refuses the registration, and heals", async () => {
    const fault = harness.github.faults.add({
      method: "POST",
      path: /generate-jitconfig/,
      times: 100,
      kind: "status",
      status: 403,
    });
    const name = harness.nameOf(harness.queueJob());
    const refused = await harness.untilReason(name, "GitHubRefused");
    expect(getCondition(refused.status?.conditions, "Launched")?.message).not.toBe("");
    expect(harness.provider.calls.create).toBe(0);
    fault.remove();
    await harness.advance(61_000);
    await harness.until(name, (request) => request.status?.instance !== undefined, "launched");
  });
});
