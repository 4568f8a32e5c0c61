import { describe, expect, test, vi } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { blindfold, faultProxy, newWorld, type World } from "./harness.ts";

const cluster = testCluster();
const own = "job-31415926535";

async function remove({ client, namespace }: World): Promise<void> {
  await client.requests.delete({ namespace, name: own });
}

async function finalize(world: World): Promise<void> {
  await world.client.requests.patchMetadata(await world.request(own), { finalizers: [] });
}

describe("a queued job whose request is being deleted", () => {
  test("has its delivery come again, and gets another one when the first is gone", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    await receiver.deliverJob();
    await remove(world);
    await expect.poll(() => [...receiver.requests.store.list()][0]?.metadata.deletionTimestamp).toBeDefined();
    const answer = await receiver.deliverJob();
    expect(answer.status).toBe(503);
    expect(answer.body.reason).toMatch(/is being deleted; the job gets another one/);
    await finalize(world);
    await vi.waitFor(async () => expect((await receiver.deliverJob()).body.outcome).toBe("created"), { timeout: 15_000 });
    expect((await world.request(own)).metadata.deletionTimestamp).toBeUndefined();
  });

  test("is not lost either where the receiver's store knows nothing of the request", async () => {
    const world = await newWorld(cluster);
    const proxy = await faultProxy(cluster);
    const behind = await world.receiver({ kubeconfig: proxy.kubeconfig });
    const open = blindfold(proxy);
    const receiver = await world.receiver();
    await receiver.deliverJob();
    await remove(world);
    expect((await behind.deliverJob()).status).toBe(503);
    await finalize(world);
    open();
    await vi.waitFor(async () => expect((await behind.deliverJob()).body.outcome).toBe("created"), { timeout: 15_000 });
  });

  test("needs none when the job is over", async () => {
    const world = await newWorld(cluster);
    const receiver = await world.receiver();
    await receiver.deliverJob();
    await receiver.deliverJob({ action: "completed" });
    await remove(world);
    await expect.poll(() => [...receiver.requests.store.list()][0]?.metadata.deletionTimestamp).toBeDefined();
    expect((await receiver.deliverJob()).body.outcome).toBe("exists");
  });
});
