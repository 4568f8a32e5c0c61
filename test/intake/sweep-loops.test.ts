import { expect, it, onTestFinished } from "vitest";
import { startOperator } from "../support/operator.ts";
import { testCluster } from "../support/test-cluster.ts";
import { newSweepWorld } from "./sweep-world.ts";

const cluster = testCluster();
const job = { repository: "acme/web", labels: ["self-hosted", "ecs"] };

it("a process with the role of the controller alone has the nets, and nothing that listens for webhooks", async () => {
  const namespace = await cluster.namespace("sweep-role");
  const operator = await startOperator({
    kubeconfig: cluster.kubeconfig,
    namespace,
    args: ["--roles", "controller", "--watch-namespace", namespace],
  });
  onTestFinished(async () => await operator.kill());
  const metrics = await (await fetch(operator.metricsUrl)).text();
  for (const net of ["Redelivery", "Sweep", "Refresh"]) {
    expect(metrics).toContain(`getabako_jobs_caught_total{net="${net}"} 0`);
  }
  expect(() => operator.webhookUrl).toThrow(/without the role intake/);
  expect(await operator.stop()).toBe(0);
});

it("the loops of a leader catch by themselves what webhooks lost", async () => {
  const { sim, clock, leader, requestNames, request } = await newSweepWorld(cluster, {
    target: { scope: { repository: "acme/web" } },
  });
  const { sweeps, webhookUrl, metric } = await leader({ periods: { tickMs: 1 } });
  const stop = new AbortController();
  const running = sweeps.loops.map(async (loop) => await loop.run(stop.signal));
  try {
    sim.setReceivers([webhookUrl]);
    sim.webhooks.addFault({ kind: "fail" });
    const failed = sim.queueJob(job);
    sim.webhooks.addFault({ kind: "drop" });
    const dropped = sim.queueJob(job);
    await sim.webhooks.settled();
    // The clock stands still but for these steps; each look is a few seconds on.
    const later = async <R>(look: () => Promise<R>): Promise<R> => {
      clock.advance(5_000);
      return await look();
    };
    const names = [failed.id, dropped.id].map((id) => `job-${id}`).toSorted();
    await expect.poll(() => later(requestNames), { interval: 10 }).toEqual(names);

    sim.setReceivers([]);
    sim.cancelJob(failed.id);
    await expect
      .poll(() => later(async () => (await request(`job-${failed.id}`)).status?.job?.state), { interval: 10 })
      .toBe("Completed");
    expect(await metric("getabako_sweep_duration_seconds_count", 'sweep="QueuedJobs"')).toBeGreaterThan(0);
  } finally {
    stop.abort();
    await Promise.all(running);
  }
  expect(sim.violations).toEqual([]);
});
