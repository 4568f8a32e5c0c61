import { expect, test } from "vitest";
import { stopReasonPrefix } from "../../src/provider/ecs/stop-cause.ts";
import { type EcsBench, ecsBench } from "./ecs-bench.ts";
import { collect, unaborted } from "./launches.ts";

const signal = unaborted();
const unknown = "arn:aws:ecs:us-east-1:123456789012:task/runners/00000000000000000000000000000000";

async function read({ provider, place }: EcsBench, id: string) {
  return (await provider.get(place, [id], signal)).get(id);
}

test("250 ids are three DescribeTasks calls, and ids that cannot be tasks are none", async () => {
  const { sim, provider, place } = await ecsBench();
  const ids = Array.from({ length: 250 }, (_, index) => unknown.slice(0, -3) + String(index).padStart(3, "0"));
  const found = await provider.get(place, [...ids, "", "task/x", ...ids], signal);
  expect(sim.calls.count("DescribeTasks")).toBe(3);
  expect(found.size).toBe(252);
  expect(new Set(found.values())).toEqual(new Set(["gone"]));
});

test("a young task that ECS does not show yet is neither there nor gone", async () => {
  const bench = await ecsBench();
  bench.sim.hideNewTasks(2);
  const { instance } = await bench.provider.create(bench.launch(), signal);
  expect(await read(bench, instance.id)).toBeUndefined();
  bench.clock.advance(4 * 60_000);
  expect(await read(bench, instance.id)).toBeUndefined();
  expect(await read(bench, instance.id)).toMatchObject({ id: instance.id });
});

test("a task that ECS does not show after five minutes, or after it was seen once, is gone", async () => {
  const bench = await ecsBench();
  bench.sim.hideNewTasks(1);
  const never = (await bench.provider.create(bench.launch(), signal)).instance.id;
  bench.clock.advance(5 * 60_000);
  expect(await read(bench, never)).toBe("gone");
  bench.sim.hideNewTasks(0);
  const seen = (await bench.provider.create(bench.launch(), signal)).instance.id;
  expect(await read(bench, seen)).toMatchObject({ id: seen });
  bench.sim.expire(seen);
  expect(await read(bench, seen)).toBe("gone");
});

test("a cluster that was deleted has no tasks: all are gone, and deleting them is a success", async () => {
  const bench = await ecsBench();
  const place = { ...bench.place, connection: { ...bench.place.connection, cluster: "deleted" } };
  expect(await bench.provider.get(place, [unknown], signal)).toEqual(new Map([[unknown, "gone"]]));
  await bench.provider.delete(place, unknown, "cleaning up", signal);
});

test("a place that leads nowhere is InvalidRequest", async () => {
  const { provider, place } = await ecsBench();
  await expect(provider.get({ ...place, connection: {} }, [unknown], signal)).rejects.toMatchObject({ code: "InvalidRequest" });
});

test("a failed look is thrown, and no instance is called gone for it", async () => {
  const bench = await ecsBench();
  const { instance } = await bench.provider.create(bench.launch(), signal);
  bench.sim.faults.throttle(1, { operation: "DescribeTasks" });
  await expect(read(bench, instance.id)).rejects.toMatchObject({ code: "Throttled" });
});

test("get() needs the place only: the class may have changed or gone", async () => {
  const bench = await ecsBench();
  const { instance } = await bench.provider.create(bench.launch(), signal);
  bench.sim.moveTo(instance.id, "RUNNING");
  const after = (await bench.restarted().get(bench.place, [instance.id], signal)).get(instance.id);
  expect(after).toMatchObject({ state: "Running", attempt: 1, zone: "us-east-1a" });
});

test("StopTask carries our reason, at most 255 characters of it", async () => {
  const { sim, provider, place, launch } = await ecsBench();
  const { instance } = await provider.create(launch(), signal);
  await provider.delete(place, instance.id, "no word ".repeat(100), signal);
  const reason = String(sim.calls.list("StopTask")[0]?.request["reason"]);
  expect(reason).toMatch(new RegExp(`^${stopReasonPrefix}no word`));
  expect(reason.length).toBeLessThanOrEqual(255);
});

test("a task stopped by a person is told from one that we stopped", async () => {
  const bench = await ecsBench();
  const ours = (await bench.provider.create(bench.launch(), signal)).instance.id;
  const theirs = (await bench.provider.create(bench.launch(), signal)).instance.id;
  await bench.provider.delete(bench.place, ours, "idle for too long", signal);
  bench.sim.stop(theirs, "maintenance");
  for (const id of [ours, theirs]) bench.sim.moveTo(id, "STOPPED");
  expect(await read(bench, ours)).toMatchObject({ stop: { category: "Requested", reason: "UserInitiated" } });
  expect(await read(bench, theirs)).toMatchObject({
    stop: { category: "Requested", reason: "StoppedExternally", message: /maintenance/ },
  });
});

test("deleting a task too young to be seen is not taken for done", async () => {
  const { sim, provider, place, launch } = await ecsBench();
  sim.hideNewTasks(5);
  const { instance } = await provider.create(launch(), signal);
  sim.faults.add(
    { kind: "exception", type: "InvalidParameterException", message: "The referenced task was not found." },
    { operation: "StopTask" },
  );
  await expect(provider.delete(place, instance.id, "cancelled", signal)).rejects.toMatchObject({ name: "ProviderError" });
});

test.each([
  ["memory ran out", "outOfMemory", { category: "OutOfMemory", reason: "OutOfMemoryError" }, 137],
  ["the host failed", "failHost", { category: "HostFailure" }, 143],
] as const)("the end is told when %s", async (_title, act, stop, exitCode) => {
  const bench = await ecsBench();
  const { instance } = await bench.provider.create(bench.launch(), signal);
  bench.sim.moveTo(instance.id, "RUNNING");
  bench.sim[act](instance.id);
  bench.sim.moveTo(instance.id, "STOPPED");
  const found = await read(bench, instance.id);
  expect(found).toMatchObject({ state: "Stopped", stop, exitCode });
});

test("an image that cannot be pulled is told, with what to do", async () => {
  const bench = await ecsBench();
  const { instance } = await bench.provider.create(bench.launch(), signal);
  bench.sim.failToStart(
    instance.id,
    "CannotPullContainerError: ref pull has been retried 1 time(s): ghcr.io/acme/runner:9: not found",
  );
  bench.sim.moveTo(instance.id, "STOPPED");
  expect(await read(bench, instance.id)).toMatchObject({
    state: "Stopped",
    stop: { category: "Misconfigured", reason: "CannotPullContainerError", message: expect.stringContaining("name and tag") },
  });
});

test("both ways in which AWS reports Spot are Interrupted, from the notice on", async () => {
  for (const stopCode of ["SpotInterruption", "TerminationNotice"] as const) {
    const bench = await ecsBench();
    const { instance } = await bench.provider.create(bench.launch(), signal);
    bench.sim.moveTo(instance.id, "RUNNING");
    bench.sim.interruptSpot(instance.id, stopCode);
    expect(await read(bench, instance.id)).toMatchObject({
      state: "Stopping",
      stop: { category: "Interrupted", reason: stopCode },
    });
  }
});

test("list() reads 230 tasks in pages, each once, with its rung", async () => {
  const { sim, provider, cls, launch } = await ecsBench();
  for (let count = 0; count < 230; count++) await provider.create(launch(), signal);
  sim.calls.clear();
  const listed = await collect(provider.list(cls, {}, signal));
  expect(new Set(listed.map(({ id }) => id)).size).toBe(230);
  expect(listed.every(({ capacity }) => capacity === "spot")).toBe(true);
  expect([sim.calls.count("ListTasks"), sim.calls.count("DescribeTasks")]).toEqual([3, 3]);
});

test("list() leaves strangers' tasks alone: of a service, of a person, of another operator in the same cluster", async () => {
  const { sim, provider, cls, launch } = await ecsBench();
  const { instance } = await provider.create(launch(), signal);
  const other = { ...cls, uid: crypto.randomUUID() };
  await provider.create(launch({ class: other }), signal);
  const { ECSClient, RunTaskCommand } = await import("@aws-sdk/client-ecs");
  const stranger = new ECSClient(sim.clientConfig);
  const { request } = sim.task(instance.id);
  for (const startedBy of [undefined, "ecs-svc/123", crypto.randomUUID()]) {
    await stranger.send(
      new RunTaskCommand({ ...request, clientToken: crypto.randomUUID(), startedBy, group: "family:x", tags: [] }),
    );
  }
  stranger.destroy();
  expect((await collect(provider.list(cls, {}, signal))).map(({ id }) => id)).toEqual([instance.id]);
});

test("list() of a request needs no tag: startedBy alone finds its tasks", async () => {
  const { sim, provider, cls, launch } = await ecsBench();
  const of = launch();
  const { instance } = await provider.create(of, signal);
  sim.task(instance.id).tags = [];
  expect(await collect(provider.list(cls, { requestUid: of.requestUid }, signal))).toMatchObject([
    { id: instance.id, attempt: 1 },
  ]);
});

test("list() throws what ECS says", async () => {
  const { sim, provider, cls } = await ecsBench();
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" }, { operation: "ListTasks" });
  await expect(collect(provider.list(cls, {}, signal))).rejects.toMatchObject({ code: "Unauthorized" });
});
