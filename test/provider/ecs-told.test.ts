import { expect, onTestFinished, test } from "vitest";
import { startEventQueue } from "../sim/sqs/event-queue.ts";
import { deliveryBench } from "./delivery-bench.ts";
import { ecsBench } from "./ecs-bench.ts";
import { unaborted } from "./launches.ts";

/* What DescribeTasks would tell besides the state is taken from events as well: with a queue, hardly anybody describes a task. */

const signal = unaborted();

async function queueOf() {
  const queue = await startEventQueue();
  onTestFinished(() => queue.close());
  return queue;
}

test("a delivered configuration is removed as soon as an event says that its task runs", async () => {
  const queue = await queueOf();
  const { sim, s3, provider, launch, cls } = await deliveryBench({
    events: { sink: queue.sink },
    spec: { events: { queueUrl: queue.url } },
    // It stays until somebody ends it.
    runner: ({ killed }) => new Promise((resolve) => killed.addEventListener("abort", () => resolve(0), { once: true })),
  });
  const { instance } = await provider.create(launch(), signal);
  expect(s3.keys()).toHaveLength(1);
  for (const state of ["PENDING", "ACTIVATING", "RUNNING"] as const) sim.moveTo(instance.id, state);
  for await (const { instances } of provider.feed(cls)?.open(signal) ?? []) {
    if (instances.some(({ state }) => state === "Running")) break;
  }
  await expect.poll(() => s3.keys()).toEqual([]);
  expect(sim.calls.count("DescribeTasks")).toBe(0);
});

test("an event of a task that could not start teaches its class", async () => {
  const queue = await queueOf();
  const { sim, provider, launch, cls } = await ecsBench({
    events: { sink: queue.sink },
    spec: { events: { queueUrl: queue.url } },
  });
  const { instance } = await provider.create(launch(), signal);
  sim.failToStart(instance.id, "CannotPullContainerError: pull access denied");
  sim.moveTo(instance.id, "STOPPED");
  for await (const { instances } of provider.feed(cls)?.open(signal) ?? []) {
    if (instances.some(({ state }) => state === "Stopped")) break;
  }
  const { findings } = await provider.check(cls, signal);
  expect(findings).toMatchObject([{ severity: "Warning", reason: "StartFailing" }]);
  expect(sim.calls.count("DescribeTasks")).toBe(0);
});
