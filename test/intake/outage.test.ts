import { describe, expect, onTestFinished, test, vi } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { blindfold, callsAfterSync, faultProxy, newWorld } from "./harness.ts";

const cluster = testCluster();
const own = "job-31415926535";
const creates = { method: "POST", path: /\/runnerrequests/ };
const patches = { method: "PATCH", path: /\/runnerrequests/ };
const inProgress = { action: "in_progress", job: { runner_name: `${own}-1`, started_at: "2026-01-15T09:01:00Z" } };

async function behindProxy(answerWithinMs?: number) {
  const world = await newWorld(cluster);
  const proxy = await faultProxy(cluster);
  const receiver = await world.receiver({
    kubeconfig: proxy.kubeconfig,
    ...(answerWithinMs !== undefined && { answerWithinMs }),
  });
  // So that the App's Secret is known before anything goes wrong.
  expect((await receiver.deliver({ event: "ping", payload: {} })).status).toBe(200);
  return { world, proxy, receiver };
}

describe("when the API server", () => {
  test("is away, a delivery fails within the time that GitHub gives, and the same delivery succeeds later", async () => {
    const { world, proxy, receiver } = await behindProxy(1_000);
    await proxy.refuse();
    const startedAt = performance.now();
    const answer = await receiver.deliverJob({}, { id: "guid-1" });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({
      outcome: "unavailable",
      reason: "the API server did not answer in time; nothing is lost if this delivery is sent again",
    });
    expect(
      await receiver.metric("getabako_webhook_requests_total", 'event="workflow_job",action="queued",outcome="unavailable"'),
    ).toBe(1);

    await proxy.accept();
    // A first one that is stored and answered too late is an "exists" for the next.
    const again = async () => expect([200, 202]).toContain((await receiver.deliverJob({}, { id: "guid-1" })).status);
    await vi.waitFor(again, { timeout: 10_000 });
    expect(await world.requestNames()).toEqual([own]);
    expect((await world.request(own)).spec.job.deliveryId).toBe("guid-1");
  });

  test("is away for a moment only, the delivery waits and succeeds", async () => {
    const { proxy, receiver } = await behindProxy();
    const fault = proxy.inject(creates, { kind: "dropBefore" }, { times: 2 });
    expect((await receiver.deliverJob()).body.outcome).toBe("created");
    expect(fault.hits).toBe(2);
  });

  test("creates the request but its answer is lost, there is one request and the delivery succeeds", async () => {
    const { world, proxy, receiver } = await behindProxy();
    proxy.inject(creates, { kind: "dropAfter" }, { times: 1 });
    expect((await receiver.deliverJob()).status).toBe(200);
    expect(await world.requestNames()).toEqual([own]);
  });

  test("takes the patch but its answer is lost, the delivery succeeds and the state is written once", async () => {
    const { world, proxy, receiver } = await behindProxy();
    await receiver.deliverJob();
    proxy.inject(patches, { kind: "dropAfter" }, { times: 1 });
    const answer = await receiver.deliverJob(inProgress);
    expect([200, 202]).toContain(answer.status);
    expect((await world.request(own)).status?.job).toMatchObject({ state: "InProgress" });
  });

  test("asks for patience, it gets it", async () => {
    const { proxy, receiver } = await behindProxy();
    const fault = proxy.inject(creates, { kind: "status", code: 429, retryAfterSeconds: 3 }, { times: 1 });
    const startedAt = performance.now();
    expect((await receiver.deliverJob()).body.outcome).toBe("created");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(2_950);
    expect(fault.hits).toBe(1);
  });

  test("does not answer one call, another one is made while there is time", async () => {
    const { proxy, receiver } = await behindProxy();
    const never = Promise.withResolvers<void>();
    onTestFinished(() => never.resolve());
    proxy.inject(creates, { kind: "hold", until: never.promise }, { times: 1 });
    expect((await receiver.deliverJob()).body.outcome).toBe("created");
  });

  test("hangs, the delivery fails in time", async () => {
    const { world, proxy, receiver } = await behindProxy(800);
    const release = Promise.withResolvers<void>();
    proxy.inject(creates, { kind: "hold", until: release.promise });
    const answer = await receiver.deliverJob();
    release.resolve();
    expect(answer.status).toBe(503);
    proxy.clear();
    await vi.waitFor(async () => expect([200, 202]).toContain((await receiver.deliverJob()).status), { timeout: 10_000 });
    expect(await world.requestNames()).toEqual([own]);
  });

  test.each([
    [403, /does not let the operator do this \(Forbidden\): check its Role/],
    [404, /no such namespace, or the CRDs of getabako\.dev are not installed/],
  ] as const)("refuses with %i, the answer says what to do and nothing is tried again", async (code, reason) => {
    const { proxy, receiver } = await behindProxy();
    const fault = proxy.inject(creates, { kind: "status", code });
    for (let count = 1; count <= 2; count++) {
      const answer = await receiver.deliverJob();
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({ outcome: "unavailable", reason: expect.stringMatching(reason) });
      expect(fault.hits).toBe(count);
    }
    // Each delivery that was lost has its line, with what the API server said in full: that is for the operator only.
    const line = { level: "warn", status: 503, cause: expect.stringContaining(String(code)) };
    expect(receiver.log.lines("refused delivery")).toMatchObject([line, line]);
  });
});

describe("a record", () => {
  test("that meets somebody else's write is applied to what was written", async () => {
    const { world, proxy, receiver } = await behindProxy();
    await receiver.deliverJob();
    // The first patch is computed from an old version.
    blindfold(proxy);
    const stored = await world.request(own);
    await world.client.requests.patchStatus(stored, { phase: "Pending", attempt: 1 });
    const answer = await receiver.deliverJob(inProgress);
    expect(answer.body.outcome).toBe("recorded");
    expect((await world.request(own)).status).toMatchObject({
      attempt: 1,
      job: { state: "InProgress" },
      assignedJob: { state: "InProgress" },
    });
    expect(callsAfterSync(proxy).slice(1)).toEqual([
      `PATCH runnerrequests/${own}/status`,
      `GET runnerrequests/${own}`,
      `PATCH runnerrequests/${own}/status`,
    ]);
  });

  test("that never gets through conflicts gives up with an error", async () => {
    const { proxy, receiver } = await behindProxy();
    await receiver.deliverJob();
    const fault = proxy.inject(patches, { kind: "status", code: 409 });
    const answer = await receiver.deliverJob(inProgress);
    expect(answer.status).toBe(503);
    expect(answer.body.reason).toMatch(/changes too fast; deliver again$/);
    expect(fault.hits).toBe(11);
  });

  test("of a request that the store does not know yet finds it at the API server", async () => {
    const { world, proxy, receiver } = await behindProxy();
    blindfold(proxy);
    // Another replica created both.
    const other = await world.receiver();
    await other.deliverJob({ job: { id: 1 } });
    await other.deliverJob({ job: { id: 2 } });

    const answer = await receiver.deliverJob({ action: "in_progress", job: { id: 1, runner_name: "job-2-1" } });
    expect(answer.body).toEqual({ outcome: "recorded", request: `${world.namespace}/job-1` });
    expect((await world.request("job-1")).status?.job).toMatchObject({ state: "InProgress", runnerName: "job-2-1" });
    expect((await world.request("job-2")).status?.assignedJob).toMatchObject({ id: "1" });
  });

  test("of a request that was deleted meanwhile is remembered anew", async () => {
    const { world, proxy, receiver } = await behindProxy();
    await receiver.deliverJob();
    blindfold(proxy);
    const stored = await world.request(own);
    await world.client.requests.patchMetadata(stored, { finalizers: [] });
    await world.client.requests.delete({ namespace: world.namespace, name: own });

    const answer = await receiver.deliverJob({ action: "completed", job: { conclusion: "success" } });
    expect(answer.body.outcome).toBe("created");
    expect((await world.request(own)).spec.job.state).toBe("Completed");
  });

  test("of a runner whose request is gone changes nothing", async () => {
    const { world, receiver } = await behindProxy();
    const answer = await receiver.deliverJob({ action: "completed", job: { labels: ["gpu"], runner_name: "job-404-1" } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ outcome: "ignored", reason: expect.stringContaining("no RunnerTarget covers labels [gpu]") });
    expect(await world.requestNames()).toEqual([]);
  });
});

test("what was written is known at once, also while the watch is behind", async () => {
  const { world, proxy, receiver } = await behindProxy();
  blindfold(proxy);
  await receiver.deliverJob();
  expect(receiver.requests.store.get({ namespace: world.namespace, name: own })).toBeDefined();
  await receiver.deliverJob(inProgress);
  const calls = callsAfterSync(proxy);
  expect(calls).toEqual(["POST runnerrequests", `PATCH runnerrequests/${own}/status`]);
  expect((await receiver.deliverJob(inProgress)).body.outcome).toBe("unchanged");
  expect(callsAfterSync(proxy)).toEqual(calls);
});

test("before everything is read, nothing is said not to exist", async () => {
  const world = await newWorld(cluster);
  const proxy = await faultProxy(cluster);
  const held = Promise.withResolvers<void>();
  proxy.inject({ method: "GET", path: /runnertargets/, watch: false }, { kind: "hold", until: held.promise });
  const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig, synced: false });
  const early = await receiver.deliverJob();
  expect(early.status).toBe(503);
  expect(early.body).toEqual({ outcome: "unavailable", reason: "the operator is starting and has not read everything yet" });
  held.resolve();
  await receiver.targets.synced;
  await vi.waitFor(async () => expect((await receiver.deliverJob()).status).toBe(202), { timeout: 10_000 });
});
