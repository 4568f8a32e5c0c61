import { describe, expect, it } from "vitest";
import { isoTime } from "../../src/util/clock.ts";
import { testCluster } from "../support/test-cluster.ts";
import { newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const hour = 60 * minute;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const lists = /^GET \/repos\/acme\/web\/actions\/runs/;

/** A world in which a job of acme/web had a request that is gone. */
async function forgotten() {
  const world = await newSweepWorld(cluster);
  const { sim, leader, namespace, stores } = world;
  const first = await leader();
  sim.setReceivers([first.webhookUrl]);
  const { id } = sim.queueJob(job);
  await sim.webhooks.settled();
  sim.setReceivers([]);
  sim.cancelJob(id);
  const request = await world.request(`job-${id}`);
  const key = { namespace, name: request.metadata.name };
  await stores.requests.client.delete(key);
  await stores.requests.client.patchMetadata(await world.request(key.name), { finalizers: [] });
  await expect.poll(() => first.stores.requests.informer.store.size).toBe(0);
  return { ...world, first };
}

describe("a repository whose requests are gone", () => {
  it("is asked for jobs for a day, by the next leader as well", async () => {
    const { sim, clock, first, leader, app, requestNames, calls } = await forgotten();
    await first.sweeps.queuedJobs.sweep(never);
    expect(calls(lists)).toBe(2);
    const seenAt = isoTime(Math.floor(clock.now() / hour) * hour);
    const { recentRepositories } = (await app()).status ?? {};
    expect(recentRepositories).toMatchObject([{ name: "acme/web" }]);
    expect(Date.parse(recentRepositories?.[0]?.seenAt ?? "")).toBeLessThanOrEqual(Date.parse(seenAt) + hour);
    await first.stop();

    clock.advance(22 * hour);
    const second = await leader();
    const lost = sim.queueJob(job);
    clock.advance(2 * minute);
    await second.sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([`job-${lost.id}`]);
    await second.stop();
  });

  it("is not asked any more after that", async () => {
    const { clock, first, leader, calls } = await forgotten();
    await first.sweeps.queuedJobs.sweep(never);
    await first.stop();
    clock.advance(26 * hour);
    const second = await leader();
    const before = calls(lists);
    await second.sweeps.queuedJobs.sweep(never);
    expect(calls(lists)).toBe(before);
  });

  it("costs no write while there is no news, and nothing else of the status", async () => {
    const { clock, first, app } = await forgotten();
    await first.sweeps.queuedJobs.sweep(never);
    const before = await app();
    expect(before.status).toMatchObject({ slug: "getabako", conditions: [{ type: "Ready" }] });
    for (let sweep = 0; sweep < 12; sweep += 1) {
      clock.advance(30 * minute);
      await first.sweeps.queuedJobs.sweep(never);
    }
    expect((await app()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });
});
