import { describe, expect, it } from "vitest";
import { runnerTarget } from "../../src/intake/test-objects.ts";
import { testCluster } from "../support/test-cluster.ts";
import { faultProxy } from "./harness.ts";
import { createReadyTarget, newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const creates = { method: "POST", path: /\/runnerrequests/ };
const patches = { method: "PATCH", path: /\/runnerrequests/ };

describe("what the API server refuses to one job", () => {
  it("does not keep the queued-job sweep from the others, nor from the repositories behind it", async () => {
    const { sim, clock, leader, requestNames, stores, namespace } = await newSweepWorld(cluster, {
      target: { scope: { repository: "acme/web" } },
    });
    sim.addRepository("acme/api", { private: true });
    const other = runnerTarget({ scope: { repository: "acme/api" } }, { namespace, name: "api" });
    await createReadyTarget(stores, other, clock);
    const proxy = await faultProxy(cluster);
    const { sweeps, log, metric } = await leader({ kubeconfig: proxy.kubeconfig });
    const jobs = [sim.queueJob(job), sim.queueJob(job), sim.queueJob({ ...job, repository: "acme/api" })];
    clock.advance(2 * minute);
    const quota = proxy.inject(creates, { kind: "status", code: 403 });
    await sweeps.queuedJobs.sweep(never);
    expect(quota.hits).toBe(3);
    const warnings = log.lines("the API server refused what a sweep found").filter(({ level }) => level === "warn");
    expect(warnings).toMatchObject([{ appId: sim.app.id, request: expect.stringMatching(/^job-/) }]);
    expect(await metric("getabako_sweep_turns_total", 'sweep="QueuedJobs",outcome="Done"')).toBe(1);
    quota.remove();
    // One of them is refused for good.
    proxy.inject(creates, { kind: "status", code: 403 }, { times: 1 });
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toHaveLength(2);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual(jobs.map(({ id }) => `job-${id}`).toSorted());
  });

  it("does not keep the refresh from the others", async () => {
    const { sim, clock, leader, request } = await newSweepWorld(cluster);
    const proxy = await faultProxy(cluster);
    const { sweeps, webhookUrl, stores, log } = await leader({ kubeconfig: proxy.kubeconfig });
    sim.setReceivers([webhookUrl]);
    const jobs = [sim.queueJob(job), sim.queueJob(job), sim.queueJob(job)];
    await sim.webhooks.settled();
    sim.setReceivers([]);
    for (const { id } of jobs) sim.cancelJob(id);
    await expect.poll(() => stores.requests.informer.store.size).toBe(3);
    await sweeps.refresh.sweep(never);
    clock.advance(11 * minute);
    proxy.inject(patches, { kind: "status", code: 403 }, { times: 1 });
    await sweeps.refresh.sweep(never);
    const states = await Promise.all(jobs.map(async ({ id }) => (await request(`job-${id}`)).status?.job?.state));
    expect(states.filter((state) => state === "Completed")).toHaveLength(2);
    expect(log.lines("the API server refused what a sweep found")).toHaveLength(1);
  });
});
