import { expect, test } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { callsAfterSync, faultProxy, newWorld } from "./harness.ts";

const cluster = testCluster();

const own = "job-31415926535";

test("events of one job in one moment, each told of five times, cost a write for each thing that is new and nothing else", async () => {
  const world = await newWorld(cluster);
  const proxy = await faultProxy(cluster);
  const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
  await receiver.deliverJob();
  const runner = { started_at: "2026-01-15T09:01:00Z", runner_name: `${own}-1` };
  const events = [
    { action: "in_progress", job: runner },
    { action: "completed", job: { ...runner, conclusion: "success" } },
  ];
  const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => receiver.deliverJob(events[index % 2] ?? {})));
  expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
  expect((await world.request(own)).status?.job).toMatchObject({ state: "Completed", conclusion: "success" });
  const patches = callsAfterSync(proxy).slice(1);
  // Where the end came first, the beginning changes nothing any more.
  expect(patches.length).toBeGreaterThanOrEqual(1);
  expect(patches.length).toBeLessThanOrEqual(2);
  expect(new Set(patches)).toEqual(new Set([`PATCH runnerrequests/${own}/status`]));
});

test("a burst that an API server takes longer for than a call may take costs one call a job", async () => {
  const world = await newWorld(cluster);
  const proxy = await faultProxy(cluster);
  const receiver = await world.receiver({ kubeconfig: proxy.kubeconfig });
  // All at once would be 384 / 64 × 400 ms: the last calls would have waited longer for a connection than they may take. In turn each
  // takes 800 ms of its 2 s, which leaves a busy machine time.
  const jobs = 384;
  proxy.inject({ method: "POST" }, { kind: "delay", ms: 400 });
  const answers = await Promise.all(
    Array.from({ length: jobs }, (_, index) => receiver.deliverJob({ job: { id: 31_415_000_000 + index } })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(callsAfterSync(proxy)).toHaveLength(jobs);
  expect(await world.requestNames()).toHaveLength(jobs);
});
