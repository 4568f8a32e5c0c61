import { describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const attempts = /^POST \/app\/hook\/deliveries\/\d+\/attempts$/;

describe("the redelivery sweep, where sending again fails", () => {
  it.each([400, 403, 500])("goes on with the others when GitHub answers %i to one, for ever", async (status) => {
    const { sim, clock, leader, app, requestNames } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, metric, log } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "fail", times: 3 });
    const jobs = [];
    for (let index = 0; index < 3; index += 1) {
      jobs.push(sim.queueJob(job));
      await sim.webhooks.settled();
    }
    const [oldest] = sim.webhooks.log.list().slice(-1);
    sim.faults.add({ kind: "status", status, path: `/${oldest?.id}/attempts$`, times: Number.POSITIVE_INFINITY });
    await sweeps.redelivery.sweep(never);
    await sim.webhooks.settled();
    expect(await requestNames()).toEqual(jobs.slice(1).map(({ id }) => `job-${id}`));
    expect(await metric("getabako_redeliveries_total", 'outcome="Failed"')).toBe(1);
    // It holds the mark for three hours, and no longer.
    const firstAt = clock.now();
    for (let sweep = 0; sweep < 5; sweep += 1) {
      clock.advance(40 * minute);
      await sweeps.redelivery.sweep(never);
      await sim.webhooks.settled();
    }
    expect(log.lines("gave up a delivery")).toHaveLength(1);
    expect(Date.parse((await app()).status?.redelivery?.checkedThrough ?? "")).toBeGreaterThan(firstAt);
  });

  it("ends its turn when GitHub takes nothing, but keeps the mark, and begins elsewhere next time", async () => {
    const { sim, clock, leader, app, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, metric } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "fail", times: 8 });
    for (let index = 0; index < 8; index += 1) {
      sim.queueJob(job);
      await sim.webhooks.settled();
    }
    sim.faults.add({ kind: "status", status: 500, path: "/attempts$", times: 5 });
    const firstAt = clock.now();
    await sweeps.redelivery.sweep(never);
    expect(calls(attempts)).toBe(5);
    expect(await metric("getabako_sweep_turns_total", 'sweep="Redelivery",outcome="Failed"')).toBe(1);
    const mark = Date.parse((await app()).status?.redelivery?.checkedThrough ?? "");
    expect(mark).toBeGreaterThan(firstAt - 3 * minute);
    // Those that were not asked for come first, and then a limit has the rest wait.
    sim.faults.add({ kind: "retry-after", status: 403, retryAfterSeconds: 60, path: "/attempts$", skip: 3 });
    await sweeps.redelivery.sweep(never);
    const asked = sim.requests().filter(({ path }) => path.endsWith("/attempts"));
    expect(new Set(asked.slice(0, 8).map(({ path }) => path)).size).toBe(8);
    expect(asked).toHaveLength(9);
    expect(await metric("getabako_sweep_turns_total", 'sweep="Redelivery",outcome="Withheld"')).toBe(1);
  });

  it("has a delivery that was refused with a 4xx sent again twice, and then lets it go", async () => {
    const { sim, clock, leader, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, log } = await leader();
    // There is nothing but 404 at this path.
    sim.setReceivers([`${webhookUrl}s`]);
    sim.queueJob(job);
    await sim.webhooks.settled();
    for (let sweep = 0; sweep < 30; sweep += 1) {
      await sweeps.redelivery.sweep(never);
      await sim.webhooks.settled();
      clock.advance(5 * minute);
    }
    expect(calls(attempts)).toBe(2);
    expect(log.lines("gave up a delivery")).toHaveLength(1);
  });
});
