import { describe, expect, it } from "vitest";
import { gitHubApp, runnerTarget } from "../../src/intake/test-objects.ts";
import { testCluster } from "../support/test-cluster.ts";
import { createReadyApp, createReadyTarget, newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const never = new AbortController().signal;
const minute = 60_000;
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };
const ofRepository = { target: { scope: { repository: "acme/web" } } };
const ofTwo = async () => {
  const world = await newSweepWorld(cluster, ofRepository);
  const { sim, stores, namespace, clock } = world;
  sim.addRepository("other/web", { private: true });
  sim.install("other");
  const target = runnerTarget({ scope: { repository: "other/web" } }, { namespace, name: "other" });
  await createReadyTarget(stores, target, clock);
  return world;
};

describe("the queued-job sweep, where GitHub does not answer,", () => {
  it("says so with one line a repository, and begins anew with the next sweep", async () => {
    const { sim, clock, leader, requestNames } = await newSweepWorld(cluster, ofRepository);
    const { sweeps, log, metric } = await leader();
    const { id } = sim.queueJob(job);
    clock.advance(2 * minute);
    const fault = sim.faults.add({ kind: "status", status: 500, times: 10, path: "/actions/runs$" });
    await sweeps.queuedJobs.sweep(never);
    fault.remove();
    expect(log.lines("could not look for queued jobs")).toMatchObject([{ level: "warn", code: "Unavailable" }]);
    expect(await metric("getabako_sweep_turns_total", 'sweep="QueuedJobs",outcome="Failed"')).toBe(1);
    expect(await requestNames()).toEqual([]);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([`job-${id}`]);
  });

  it("ends the turn after the third repository", async () => {
    const { sim, clock, leader, stores, namespace } = await newSweepWorld(cluster, ofRepository);
    for (let index = 0; index < 5; index += 1) {
      sim.addRepository(`acme/r${index}`, { private: true });
      const target = runnerTarget({ scope: { repository: `acme/r${index}` } }, { namespace, name: `r${index}` });
      await createReadyTarget(stores, target, clock);
    }
    const { sweeps, log } = await leader();
    sim.faults.add({ kind: "status", status: 502, times: Number.POSITIVE_INFINITY, path: "/actions/runs$" });
    const asked = () => new Set(sim.requests().flatMap(({ path }) => (path.endsWith("/actions/runs") ? [path] : [])));
    await sweeps.queuedJobs.sweep(never);
    expect(asked().size).toBe(3);
    expect(log.lines("sweep stopped by github")).toMatchObject([{ level: "warn", code: "Unavailable" }]);
    await sweeps.queuedJobs.sweep(never);
    expect(asked().size).toBe(6);
  });

  it("reads the other runs of a repository when the jobs of one cannot be listed", async () => {
    const { sim, clock, leader, requestNames } = await newSweepWorld(cluster, ofRepository);
    const { sweeps, log } = await leader();
    const [broken, sound] = [sim.queueJob(job), sim.queueJob(job)];
    clock.advance(2 * minute);
    const path = `/runs/${broken.run.id}/jobs$`;
    const fault = sim.faults.add({ kind: "status", status: 500, times: Number.POSITIVE_INFINITY, path });
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([`job-${sound.id}`]);
    expect(log.lines("could not read the jobs of a run")).toMatchObject([{ repository: "acme/web", code: "Unavailable" }]);
    fault.remove();
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([broken, sound].map(({ id }) => `job-${id}`).toSorted());
  });
});

describe("the queued-job sweep and GitHub's limits", () => {
  it.each([403, 429])("has the repositories of an account rest that is limited with %i, and no others", async (status) => {
    const { sim, clock, leader, requestNames, calls } = await ofTwo();
    const { sweeps, metric } = await leader();
    const [limited, free] = [sim.queueJob(job), sim.queueJob({ ...job, repository: "other/web" })];
    clock.advance(2 * minute);
    sim.faults.add({ kind: "retry-after", status, retryAfterSeconds: 600, path: "/acme/web/actions/runs$" });
    await sweeps.queuedJobs.sweep(never);
    expect(await metric("getabako_sweep_turns_total", 'sweep="QueuedJobs",outcome="Withheld"')).toBe(1);
    expect(await requestNames()).toEqual([`job-${free.id}`]);
    const before = calls(/acme/);
    await sweeps.queuedJobs.sweep(never);
    expect(calls(/acme/)).toBe(before);
    // The App's own calls draw on another quota.
    await sweeps.redelivery.sweep(never);
    expect(await metric("getabako_sweep_turns_total", 'sweep="Redelivery",outcome="Done"')).toBe(1);
    clock.advance(10 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toContain(`job-${limited.id}`);
  });

  it("leaves half of each installation's quota to launches, and goes on in the next hour", async () => {
    const { sim, clock, leader, requestNames, calls } = await newSweepWorld(cluster, {
      ...ofRepository,
      sim: { limits: { core: 40 } },
    });
    const { sweeps, github } = await leader();
    const { id } = sim.queueJob(job);
    clock.advance(2 * minute);
    // Launches have used more than half.
    for (let call = 0; call < 21; call += 1) await github.getJob("acme/web", String(id), never);
    const before = calls(/./);
    for (const net of [sweeps.queuedJobs, sweeps.refresh]) await net.sweep(never);
    expect(calls(/./)).toBe(before);
    expect(await requestNames()).toEqual([]);
    await sweeps.redelivery.sweep(never);
    expect(calls(/hook/)).toBe(1);
    clock.advance(60 * minute);
    await sweeps.queuedJobs.sweep(never);
    expect(await requestNames()).toEqual([`job-${id}`]);
  });
});

describe("repositories that targets name", () => {
  it("are not asked for where the App does not admit the target, nor while the target is not Ready", async () => {
    const { sim, clock, leader, stores, namespace, calls } = await newSweepWorld(cluster);
    for (const name of ["foreign", "unready", "fine"]) sim.addRepository(`acme/${name}`, { private: true });
    const access = [{ namespaces: [namespace], repositories: ["acme/unready", "acme/fine"] }];
    await createReadyApp(stores, gitHubApp({ apiUrl: sim.url, appId: sim.app.id, access }, { namespace, name: "b" }), clock);
    const target = (name: string) =>
      runnerTarget({ githubAppRef: { name: "b" }, scope: { repository: `acme/${name}` } }, { namespace, name });
    for (const name of ["foreign", "fine"]) await createReadyTarget(stores, target(name), clock);
    await stores.targets.client.create(target("unready"));
    const { sweeps } = await leader();
    await sweeps.queuedJobs.sweep(never);
    expect(calls(/foreign|unready/)).toBe(0);
    expect(calls(/fine\/actions\/runs/)).toBe(2);
  });

  it("are asked for less and less while GitHub knows none of that name", async () => {
    const { sim, clock, leader, stores, namespace, calls } = await newSweepWorld(cluster);
    await createReadyTarget(stores, runnerTarget({ scope: { repository: "acme/invented" } }, { namespace, name: "x" }), clock);
    const { sweeps, log } = await leader();
    const asked: number[] = [];
    for (let sweep = 1; sweep <= 20; sweep += 1) {
      const before = log.lines("could not look for queued jobs").length;
      await sweeps.queuedJobs.sweep(never);
      if (log.lines("could not look for queued jobs").length > before) asked.push(sweep);
      clock.advance(5 * minute);
    }
    expect(asked).toEqual([1, 3, 7, 15]);
    // Once it exists it is found in the end.
    sim.addRepository("acme/invented", { private: true });
    for (let sweep = 0; sweep < 20; sweep += 1) await sweeps.queuedJobs.sweep(never);
    expect(calls(/GET \/repos\/acme\/invented\/actions\/runs/)).toBeGreaterThanOrEqual(2);
  });
});
