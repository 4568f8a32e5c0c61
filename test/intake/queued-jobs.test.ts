import { describe, expect, it } from "vitest";
import type { GitHubApp } from "../../src/api/v1alpha1/github-app.ts";
import { gitHubApp, runnerTarget } from "../../src/intake/test-objects.ts";
import { testCluster } from "../support/test-cluster.ts";
import { createReadyTarget, newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const ofRepository = { target: { scope: { repository: "acme/web" } } };
const anyRead = /^GET \/repos\//;
const jobLists = /^GET \/repos\/acme\/web\/actions\/runs\/\d+\/jobs/;

describe("the queued-job sweep", () => {
  it("makes one request for a job whose webhook left no trace, however often it sweeps", async () => {
    const { sim, clock, leader, request, requestNames } = await newSweepWorld(cluster, ofRepository);
    const { sweeps, webhookUrl, metric } = await leader();
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "drop" });
    const { id, run } = sim.queueJob({ ...job, name: "build", headBranch: "dev" });
    await sim.webhooks.settled();
    clock.advance(2 * minute);
    for (let sweep = 0; sweep < 11; sweep += 1) {
      await sweeps.queuedJobs.sweep(never);
      clock.advance(5 * minute);
    }
    expect(await requestNames()).toEqual([`job-${id}`]);
    expect((await request(`job-${id}`)).spec).toMatchObject({
      source: "Sweep",
      targetRef: { name: "web" },
      job: { id: String(id), runId: String(run.id), repository: "acme/web", name: "build", headBranch: "dev", state: "Queued" },
    });
    expect(await metric("getabako_jobs_caught_total", 'net="Sweep"')).toBe(1);
    expect(await metric("getabako_runner_requests_created_total", 'source="Sweep"')).toBe(1);
    // Not all of the eleven sweeps read the run, since it stood still.
    expect(sim.requests().filter(({ path }) => path.endsWith(`/runs/${run.id}/jobs`))).toHaveLength(4);
    expect(sim.violations).toEqual([]);
  });

  it("matches a job anew that was rejected, as soon as another target gives it what it asks for", async () => {
    const { sim, clock, leader, request, stores, namespace } = await newSweepWorld(cluster, ofRepository);
    const { sweeps, stores: own } = await leader();
    const { id } = sim.queueJob({ ...job, labels: [...job.labels, "cpu=64"] });
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    const rejected = await request(`job-${id}`);
    const lastTransitionTime = new Date(clock.now()).toISOString();
    const condition = { type: "Succeeded", status: "False", reason: "Rejected", message: "no", lastTransitionTime } as const;
    const { client } = stores.requests;
    await client.patchMetadata(await client.patchStatus(rejected, { conditions: [condition] }), { finalizers: [] });
    const big = { scope: { repository: "acme/web" }, overrides: { cpu: { max: 64 } } };
    await createReadyTarget(stores, runnerTarget(big, { namespace, name: "big" }), clock);
    await expect.poll(() => own.targets.informer.store.get({ namespace, name: "big" })?.status?.conditions).toBeDefined();
    await expect
      .poll(() => own.requests.informer.store.get({ namespace, name: `job-${id}` })?.metadata.finalizers)
      .toBeUndefined();
    for (let sweep = 0; sweep < 4; sweep += 1) {
      clock.advance(5 * minute);
      await sweeps.queuedJobs.sweep(never);
    }
    expect((await request(`job-${id}`)).spec).toMatchObject({ targetRef: { name: "big" }, overrides: { cpu: 64 } });
  });

  it("gives webhooks a minute, and looks at a run again whose jobs were too young", async () => {
    const { sim, clock, leader, requestNames } = await newSweepWorld(cluster, ofRepository);
    const { sweeps } = await leader();
    const { id } = sim.queueJob(job);
    clock.advance(minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([]);
    clock.advance(5 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([`job-${id}`]);
  });

  it("finds jobs that wait in a run that is in progress, and those of repositories that had a job lately", async () => {
    const { sim, clock, leader, requestNames, stores, namespace } = await newSweepWorld(cluster);
    const { sweeps, webhookUrl, stores: own } = await leader();
    sim.setReceivers([webhookUrl]);
    const told = sim.queueJob(job);
    await sim.webhooks.settled();
    sim.setReceivers([]);
    const lost = sim.queueJob({ ...job, runId: told.run.id });
    const hosted = sim.queueJob({ ...job, runId: told.run.id, labels: ["ubuntu-latest"] });
    const elsewhere = sim.queueJob({ ...job, repository: "acme/other" });
    // Its end puts the run in progress, and takes it off the list of queued runs.
    sim.cancelJob(hosted.id);
    clock.advance(2 * minute);
    await expect.poll(() => own.requests.informer.store.size).toBe(1);
    await sweeps.queuedJobs.sweep(never);
    const expected = [told.id, lost.id].map((id) => `job-${id}`).toSorted();
    expect(await requestNames()).toEqual(expected);

    // A target that names the other repository has it swept.
    await createReadyTarget(stores, runnerTarget({ scope: { repository: "acme/other" } }, { namespace, name: "other" }), clock);
    await expect
      .poll(() => [...own.targets.informer.store.list()].filter(({ status }) => status?.conditions !== undefined).length)
      .toBe(2);
    clock.advance(5 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toContain(`job-${elsewhere.id}`);
  });

  it("makes nothing of jobs that no target covers", async () => {
    const { sim, clock, leader, requestNames } = await newSweepWorld(cluster, {
      target: { scope: { repository: "acme/web" }, repositories: { exclude: [], allowPublic: false } },
    });
    const { sweeps, metric } = await leader();
    sim.queueJob({ ...job, labels: ["self-hosted", "gpu"] });
    sim.queueJob({ ...job, labels: [] });
    sim.queueJob({ ...job, waiting: true });
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([]);
    // Nor of those of a repository that turned public.
    sim.addRepository("acme/web", { private: false });
    sim.queueJob(job);
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([]);
    expect(await metric("getabako_jobs_caught_total", 'net="Sweep"')).toBe(0);
  });

  it("records what it sees of jobs that have a request, and makes no request for those that have none", async () => {
    const { sim, clock, leader, request, requestNames } = await newSweepWorld(cluster, ofRepository);
    const { sweeps, webhookUrl, metric, stores } = await leader();
    sim.setReceivers([webhookUrl]);
    const known = sim.queueJob(job);
    await sim.webhooks.settled();
    sim.setReceivers([]);
    const foreign = sim.queueJob({ ...job, runId: known.run.id });
    sim.queueJob({ ...job, runId: known.run.id, labels: ["gpu"] });
    sim.cancelJob(known.id);
    sim.cancelJob(foreign.id);
    await expect.poll(() => stores.requests.informer.store.size).toBe(1);
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect((await request(`job-${known.id}`)).status?.job).toMatchObject({ state: "Completed", conclusion: "cancelled" });
    expect(await requestNames()).toEqual([`job-${known.id}`]);
    expect(await metric("getabako_jobs_caught_total", 'net="Sweep"')).toBe(1);
    expect(await metric("getabako_sweep_turns_total", 'sweep="QueuedJobs",outcome="Done"')).toBe(1);
  });

  it("counts as caught only what its webhook cannot tell any more", async () => {
    const { sim, clock, leader, request } = await newSweepWorld(cluster, ofRepository);
    const { sweeps, webhookUrl, metric, stores } = await leader();
    sim.setReceivers([webhookUrl]);
    const { id, run } = sim.queueJob(job);
    await sim.webhooks.settled();
    sim.setReceivers([]);
    // Another job keeps the run going.
    sim.queueJob({ ...job, runId: run.id, labels: ["gpu"] });
    await expect.poll(() => stores.requests.informer.store.size).toBe(1);
    clock.advance(5 * minute);
    sim.cancelJob(id);
    clock.advance(minute / 2);
    await sweeps.queuedJobs.sweep(never);
    expect((await request(`job-${id}`)).status?.job?.state).toBe("Completed");
    expect(await metric("getabako_jobs_caught_total", 'net="Sweep"')).toBe(0);
  });

  it("does not serve the targets of an App object whose own key GitHub did not accept", async () => {
    const { sim, clock, leader, requestNames, stores, namespace } = await newSweepWorld(cluster, {
      target: { scope: { repository: "acme/web" }, labels: ["other"] },
    });
    // Somebody else writes down the same App's id, and a target that would take its jobs.
    const forged: GitHubApp = gitHubApp({ apiUrl: sim.url, appId: sim.app.id }, { namespace, name: "forged" });
    await stores.apps.client.create(forged);
    await createReadyTarget(
      stores,
      runnerTarget({ scope: { repository: "acme/web" }, githubAppRef: { name: "forged" } }, { namespace, name: "greedy" }),
      clock,
    );
    const { sweeps } = await leader();
    sim.queueJob(job);
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([]);
  });

  it("leaves a repository that it cannot read to a line in the log, and goes on with the next", async () => {
    const { sim, clock, leader, requestNames, stores, namespace } = await newSweepWorld(cluster, ofRepository);
    await createReadyTarget(stores, runnerTarget({ scope: { repository: "acme/gone" } }, { namespace, name: "a-gone" }), clock);
    const { sweeps, log, metric } = await leader();
    const { id } = sim.queueJob(job);
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([`job-${id}`]);
    expect(log.lines("could not look for queued jobs")).toMatchObject([{ repository: "acme/gone", code: "NotFound" }]);
    expect(await metric("getabako_sweep_turns_total", 'sweep="QueuedJobs",outcome="Done"')).toBe(1);
  });

  it("reads many repositories in turns", async () => {
    const { sim, clock, leader, stores, namespace, calls } = await newSweepWorld(cluster, ofRepository);
    for (let index = 0; index < 110; index += 1) sim.addRepository(`acme/r${index}`, { private: true });
    await Promise.all(
      Array.from({ length: 110 }, async (_, index) =>
        createReadyTarget(
          stores,
          runnerTarget({ scope: { repository: `acme/r${index}` } }, { namespace, name: `r${index}` }),
          clock,
        ),
      ),
    );
    const { sweeps } = await leader();
    clock.advance(2 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(calls(anyRead)).toBeLessThanOrEqual(201);
    clock.advance(5 * minute);
    await sweeps.queuedJobs.sweep(never);
    const asked = new Set(
      sim
        .requests()
        .filter(({ path }) => path.endsWith("/actions/runs"))
        .map(({ path }) => path),
    );
    expect(asked.size).toBe(111);
    expect(calls(jobLists)).toBe(0);
  });
});
