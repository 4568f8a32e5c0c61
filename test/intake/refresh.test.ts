import { describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const jobLists = /^GET \/repos\/acme\/web\/actions\/runs\/\d+\/jobs/;

describe("the job refresh", () => {
  it("learns the ends of a matrix whose webhooks were lost with one call", async () => {
    const { sim, clock, leader, request, calls } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, stores, metric } = await leader();
    sim.setReceivers([webhookUrl]);
    const first = sim.queueJob(job);
    const jobs = [first];
    for (let index = 1; index < 20; index += 1) jobs.push(sim.queueJob({ ...job, runId: first.run.id }));
    await sim.webhooks.settled();
    sim.setReceivers([]);
    const waits = jobs.at(-1);
    for (const each of jobs) if (each !== waits) sim.cancelJob(each.id);
    await expect.poll(() => stores.requests.informer.store.size).toBe(20);

    await sweeps.refresh.sweep(never);
    clock.advance(10 * minute);
    await sweeps.refresh.sweep(never);
    // Nothing is older than ten minutes so far.
    expect(calls(jobLists)).toBe(0);
    clock.advance(minute);
    await sweeps.refresh.sweep(never);
    expect(calls(jobLists)).toBe(1);
    for (const { id } of jobs.slice(0, -1)) {
      const { status } = await request(`job-${id}`);
      expect(status?.job).toMatchObject({ state: "Completed", conclusion: "cancelled" });
    }
    expect((await request(`job-${waits?.id}`)).status?.job?.state ?? "Queued").toBe("Queued");
    expect(await metric("getabako_jobs_caught_total", 'net="Refresh"')).toBe(19);

    // The one that still waits is read again after ten minutes, twenty, forty and an hour.
    for (let minutes = 0; minutes < 130; minutes += 1) {
      clock.advance(minute);
      await sweeps.refresh.sweep(never);
    }
    expect(calls(jobLists)).toBe(5);
    expect(sim.violations).toEqual([]);
  });

  it("learns who took a job, and records it on the request of that runner", async () => {
    const { sim, clock, leader, request } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, github, stores } = await leader();
    sim.setReceivers([webhookUrl]);
    const { id } = sim.queueJob(job);
    await sim.webhooks.settled();
    sim.setReceivers([]);
    await expect.poll(() => stores.requests.informer.store.size).toBe(1);
    const runner = `job-${id}-1`;
    const { jitConfig } = await github.mintJitConfig(
      { organization: "acme" },
      { name: runner, labels: job.labels, runnerGroup: "Default" },
      never,
    );
    sim.runners.connect(jitConfig);
    sim.runners.poll(runner);
    await sweeps.refresh.sweep(never);
    clock.advance(11 * minute);
    await sweeps.refresh.sweep(never);
    const started = (await request(`job-${id}`)).status;
    expect(started?.job).toMatchObject({ state: "InProgress", runnerName: runner });
    expect(started?.assignedJob).toMatchObject({ id: String(id), state: "InProgress" });

    sim.runners.finish(runner, "success");
    clock.advance(59 * minute);
    await sweeps.refresh.sweep(never);
    expect((await request(`job-${id}`)).status?.job?.state).toBe("InProgress");
    clock.advance(2 * minute);
    await sweeps.refresh.sweep(never);
    expect((await request(`job-${id}`)).status?.assignedJob).toMatchObject({ state: "Completed", conclusion: "success" });
  });

  it("asks for a job of an earlier attempt by itself, since the run's list has only the newest", async () => {
    const { sim, clock, leader, request } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, stores } = await leader();
    sim.setReceivers([webhookUrl]);
    const { id, run } = sim.queueJob(job);
    await sim.webhooks.settled();
    sim.setReceivers([]);
    await expect.poll(() => stores.requests.informer.store.size).toBe(1);
    sim.cancelJob(id);
    sim.rerun(run.id, "all");
    await sweeps.refresh.sweep(never);
    clock.advance(11 * minute);
    await sweeps.refresh.sweep(never);
    expect((await request(`job-${id}`)).status?.job).toMatchObject({ state: "Completed", conclusion: "cancelled" });
  });

  it("spreads what a new leader finds, and reads all of it within the first gap", async () => {
    const { sim, clock, leader, calls, request } = await newSweepWorld(cluster);
    const first = await leader();
    sim.setReceivers([first.webhookUrl]);
    const jobs = Array.from({ length: 12 }, () => sim.queueJob(job));
    await sim.webhooks.settled();
    sim.setReceivers([]);
    for (const { id } of jobs) sim.cancelJob(id);
    await first.stop();
    clock.advance(60 * minute);
    const second = await leader();
    const perMinute: number[] = [];
    for (let minutes = 0; minutes <= 10; minutes += 1) {
      const before = calls(jobLists);
      await second.sweeps.refresh.sweep(never);
      perMinute.push(calls(jobLists) - before);
      clock.advance(minute);
    }
    expect(Math.max(...perMinute)).toBeLessThan(12);
    expect(calls(jobLists)).toBe(12);
    for (const { id } of jobs) expect((await request(`job-${id}`)).status?.job?.state).toBe("Completed");
  });

  it("reads the other runs although one asks for more calls than a sweep may make, time and again", async () => {
    const { sim, clock, leader, request } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, stores } = await leader();
    sim.setReceivers([webhookUrl]);
    const first = sim.queueJob(job);
    const jobs = [first];
    for (let index = 1; index < 40; index += 1) jobs.push(sim.queueJob({ ...job, runId: first.run.id }));
    const { id } = sim.queueJob(job);
    await sim.webhooks.settled();
    sim.setReceivers([]);
    await expect.poll(() => stores.requests.informer.store.size).toBe(41);
    // GitHub forgot the jobs of the first run but not the run, so each is asked for by itself, and nothing is learnt.
    for (const each of jobs) sim.world.jobs.delete(each.id);
    first.run.jobs.length = 0;
    sim.cancelJob(id);
    for (let sweep = 0; sweep < 30; sweep += 1) {
      clock.advance(minute);
      await sweeps.refresh.sweep(never);
    }
    expect((await request(`job-${id}`)).status?.job).toMatchObject({ state: "Completed" });
  });

  it("says in one line that a run cannot be read, and reads the others", async () => {
    const { sim, clock, leader, request } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, stores, log } = await leader();
    sim.setReceivers([webhookUrl]);
    const [broken, sound] = [sim.queueJob(job), sim.queueJob(job)];
    await sim.webhooks.settled();
    sim.setReceivers([]);
    for (const { id } of [broken, sound]) sim.cancelJob(id);
    await expect.poll(() => stores.requests.informer.store.size).toBe(2);
    sim.faults.add({ kind: "status", status: 410, path: `/runs/${broken.run.id}/jobs$`, times: 10 });
    await sweeps.refresh.sweep(never);
    clock.advance(11 * minute);
    await sweeps.refresh.sweep(never);
    expect(log.lines("could not read the jobs of a run")).toMatchObject([{ runId: String(broken.run.id), code: "NotFound" }]);
    expect((await request(`job-${sound.id}`)).status?.job?.state).toBe("Completed");
  });
});
