import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyOf } from "../../src/kube/object.ts";
import { isoTime } from "../../src/util/clock.ts";
import type { GitHubSim } from "../sim/github/sim.ts";
import { FakeClock } from "../support/clock.ts";
import { testCluster } from "../support/test-cluster.ts";
import { newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const hour = 60 * minute;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const attempts = /^POST \/app\/hook\/deliveries\/\d+\/attempts$/;
const lists = /^GET \/app\/hook\/deliveries/;

/** So many deliveries of as many events, that nobody made. */
function logDeliveries(sim: GitHubSim, clock: FakeClock, count: number, how: { status: string; statusCode: number }): void {
  const nothing = { throttledAt: undefined, url: "", requestHeaders: {}, durationMs: 0, responseHeaders: {}, responseBody: "" };
  const about = { installationId: undefined, repositoryId: undefined, repository: undefined, job: undefined };
  for (let index = 0; index < count; index += 1) {
    const event = { guid: randomUUID(), name: "workflow_job", action: "queued", app: sim.app, body: "{}", ...about };
    sim.webhooks.log.add({ event, ...how, redelivery: false, deliveredAt: clock.now(), ...nothing });
  }
}

describe("the redelivery sweep", () => {
  it("has a failed delivery sent again, once, and the job gets one request", async () => {
    const { sim, clock, leader, requestNames, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, metric } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "fail" });
    const { id } = sim.queueJob(job);
    await sim.webhooks.settled();
    expect(await requestNames()).toEqual([]);
    // The ids of deliveries are beyond what a number can hold.
    expect(sim.webhooks.log.list()[0]?.id).toBeGreaterThan(2n ** 53n);

    await sweeps.redelivery.sweep(never);
    await sim.webhooks.settled();
    expect(await requestNames()).toEqual([`job-${id}`]);
    expect(await metric("getabako_jobs_caught_total", 'net="Redelivery"')).toBe(0);

    for (let sweep = 0; sweep < 3; sweep += 1) {
      clock.advance(5 * minute);
      await sweeps.redelivery.sweep(never);
      await sim.webhooks.settled();
    }
    expect(await requestNames()).toEqual([`job-${id}`]);
    expect(calls(attempts)).toBe(1);
    expect(await metric("getabako_jobs_caught_total", 'net="Redelivery"')).toBe(1);
    expect(await metric("getabako_redeliveries_total", 'outcome="Accepted"')).toBe(1);
    expect(sim.violations).toEqual([]);
  });

  it("costs one call while nothing failed, and leaves alone what arrived in the end", async () => {
    const { sim, clock, leader, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.queueJob(job);
    await sim.webhooks.settled();
    await sweeps.redelivery.sweep(never);
    expect(calls(lists)).toBe(1);

    sim.webhooks.addFault({ kind: "fail" });
    sim.queueJob(job);
    await sim.webhooks.settled();
    const [failed] = sim.webhooks.log.list();
    if (failed === undefined) throw new Error("no delivery");
    // A person was faster.
    sim.webhooks.redeliver(failed);
    await sim.webhooks.settled();
    clock.advance(5 * minute);
    await sweeps.redelivery.sweep(never);
    expect(calls(attempts)).toBe(0);
  });

  it("repeats the newest delivery of an event until three hours have passed, then lets it go", async () => {
    const { sim, clock, leader, app, calls } = await newSweepWorld(cluster);
    const { sweeps, metric, log } = await leader();
    // Nobody listens there.
    sim.setReceivers(["http://127.0.0.1:9/webhook"]);
    const firstAt = clock.now();
    sim.queueJob(job);
    await sim.webhooks.settled();
    const asked = new Set<string>();
    while (clock.now() < firstAt + 3 * hour) {
      await sweeps.redelivery.sweep(never);
      await sim.webhooks.settled();
      expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeLessThanOrEqual(firstAt);
      clock.advance(30 * minute);
    }
    for (const { method, path } of sim.requests()) if (attempts.test(`${method} ${path}`)) asked.add(path);
    expect(asked.size).toBe(6);
    for (let sweep = 0; sweep < 2; sweep += 1) {
      await sweeps.redelivery.sweep(never);
      await sim.webhooks.settled();
      clock.advance(30 * minute);
    }
    expect(calls(attempts)).toBe(6);
    expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeGreaterThan(firstAt);
    expect(await metric("getabako_redeliveries_total", 'outcome="GivenUp"')).toBe(1);
    expect(log.lines("gave up a delivery")).toHaveLength(1);
  });

  it("goes on from the stored mark in another process, and no further back", async () => {
    const { sim, clock, leader, app, calls } = await newSweepWorld(cluster);
    const first = await leader();
    sim.setReceivers([first.webhookUrl]);
    // Older than a first look.
    sim.webhooks.addFault({ kind: "fail" });
    sim.queueJob(job);
    await sim.webhooks.settled();
    clock.advance(31 * minute);
    await first.sweeps.redelivery.sweep(never);
    expect(calls(attempts)).toBe(0);
    const mark = (await app()).status?.redelivery?.checkedThrough;
    expect(Date.parse(mark ?? "")).toBe(clock.now() - 2 * minute);
    await first.stop();

    // Two hours without a leader: more than a first look back.
    sim.webhooks.addFault({ kind: "fail" });
    sim.queueJob(job);
    await sim.webhooks.settled();
    clock.advance(2 * hour);
    const second = await leader();
    sim.setReceivers([second.webhookUrl]);
    await second.sweeps.redelivery.sweep(never);
    await sim.webhooks.settled();
    expect(calls(attempts)).toBe(1);
  });

  it("writes the mark in steps, and nothing else of the status", async () => {
    const { clock, leader, app } = await newSweepWorld(cluster);
    const { sweeps, stores } = await leader();
    await sweeps.redelivery.sweep(never);
    const before = await app();
    clock.advance(5 * minute);
    await sweeps.redelivery.sweep(never);
    expect((await app()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    // The controller of Apps writes in between; the store of the sweep may not have it yet.
    const limits = { core: { limit: 5_000, remaining: 4_990, resetAt: "2026-01-15T10:00:00Z" } };
    await stores.apps.client.patchStatus(before, { ...before.status, rateLimit: limits });
    clock.advance(10 * minute);
    await sweeps.redelivery.sweep(never);
    clock.advance(minute);
    await expect
      .poll(async () => {
        await sweeps.redelivery.sweep(never);
        return (await app()).status?.redelivery?.checkedThrough;
      })
      .not.toBe(before.status?.redelivery?.checkedThrough);
    expect((await app()).status).toMatchObject({ rateLimit: limits, slug: "getabako", conditions: [{ type: "Ready" }] });
  });

  it("lets go of an event that GitHub does not keep any more, once it has said so three times", async () => {
    const { sim, clock, leader, app, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, metric } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "fail" });
    const firstAt = clock.now();
    sim.queueJob(job);
    await sim.webhooks.settled();
    sim.faults.add({ kind: "status", status: 422, path: "/attempts$", times: 5 });
    clock.advance(20 * minute);
    for (let sweep = 0; sweep < 5; sweep += 1) await sweeps.redelivery.sweep(never);
    expect(calls(attempts)).toBe(3);
    expect(await metric("getabako_redeliveries_total", 'outcome="Gone"')).toBe(1);
    expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeGreaterThan(firstAt);
  });

  it("goes by GitHub's clock: one that is ahead for a sweep, or always, passes nothing", async () => {
    const { sim, clock, leader, app, requestNames, stores } = await newSweepWorld(cluster);
    const wrong = new FakeClock(clock.now() + 26 * hour);
    const { sweeps, webhookUrl, stores: own } = await leader({ clock: wrong });
    sim.setReceivers([webhookUrl]);
    await sweeps.redelivery.sweep(never);
    expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeLessThanOrEqual(clock.now() - 2 * minute);
    // A clock of an earlier release has left a mark in the future.
    const before = await app();
    const future = { checkedThrough: isoTime(clock.now() + 5 * hour) };
    const written = await stores.apps.client.patchStatus(before, { ...before.status, redelivery: future });
    const isSeen = () => own.apps.informer.store.get(keyOf(written))?.status?.redelivery?.checkedThrough;
    await expect.poll(isSeen).toBe(future.checkedThrough);
    sim.webhooks.addFault({ kind: "fail" });
    const { id } = sim.queueJob(job);
    await sim.webhooks.settled();
    clock.advance(5 * minute);
    await sweeps.redelivery.sweep(never);
    await sim.webhooks.settled();
    expect(await requestNames()).toEqual([`job-${id}`]);
    expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeLessThanOrEqual(clock.now());
  });

  it("sends again what failed, also when more deliveries followed than one sweep reads", async () => {
    const { sim, clock, leader, requestNames, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "fail" });
    const { id } = sim.queueJob(job);
    await sim.webhooks.settled();
    logDeliveries(sim, clock, 3_100, { status: "OK", statusCode: 200 });
    clock.advance(5 * minute);
    await sweeps.redelivery.sweep(never);
    await sim.webhooks.settled();
    expect(await requestNames()).toEqual([`job-${id}`]);
    // It arrived, and that is remembered when its success is not to be seen any more.
    await sweeps.redelivery.sweep(never);
    logDeliveries(sim, clock, 3_100, { status: "OK", statusCode: 200 });
    await sweeps.redelivery.sweep(never);
    expect(calls(attempts)).toBe(1);
  });

  it("bounds what it reads and sends in one sweep, and keeps the mark before what it did not reach", async () => {
    const { sim, clock, leader, app, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, log } = await leader();
    sim.setReceivers([webhookUrl]);
    const firstAt = clock.now();
    // What is in them does not matter: they will not be understood, so they fail again.
    logDeliveries(sim, clock, 3_100, { status: "failed to connect to host", statusCode: 502 });
    clock.advance(10 * minute);
    await sweeps.redelivery.sweep(never);
    await sim.webhooks.settled();
    expect(calls(lists)).toBeLessThanOrEqual(60);
    expect(calls(attempts)).toBe(100);
    expect(log.lines("more failed deliveries than one sweep reads")).toHaveLength(1);
    expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeLessThanOrEqual(firstAt);
  });
});
