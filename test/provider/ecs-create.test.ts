import type { RunTaskRequest } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import { jitConfig, unaborted } from "./launches.ts";
import { ecsBench } from "./ecs-bench.ts";

// What every provider promises is in the contract suite; here is what ECS adds to it.

const signal = unaborted();

test("a launch is one RunTask call, and the definition is looked up for the first one only", async () => {
  const { sim, provider, launch } = await ecsBench();
  for (let count = 0; count < 3; count++) await provider.create(launch(), signal);
  expect(Object.fromEntries(Object.entries(sim.calls.outcomes()).map(([name, row]) => [name, Object.values(row)[0]]))).toEqual({
    DescribeTaskDefinition: 1,
    RegisterTaskDefinition: 1,
    RunTask: 3,
  });
});

test("a repeated launch sends the same bytes", async () => {
  const { sim, provider, launch } = await ecsBench({ keepSecrets: true });
  const of = launch();
  await provider.create(of, signal);
  await provider.create(structuredClone(of), signal);
  const [first, second] = sim.calls.list("RunTask");
  expect(JSON.stringify(second?.request)).toBe(JSON.stringify(first?.request));
});

test("the task has the size, network, tags and group of its launch", async () => {
  const { sim, provider, launch } = await ecsBench({
    spec: { resources: { cpu: 4, memory: "16Gi", disk: "40Gi" }, tags: { team: "ci" } },
  });
  const of = launch();
  const { instance } = await provider.create(of, signal);
  const task = sim.task(instance.id);
  expect(task).toMatchObject({
    cpu: "4096",
    memory: "16384",
    startedBy: of.requestUid,
    group: of.runnerName,
    capacity: "FARGATE_SPOT",
  });
  expect(task.request.overrides?.ephemeralStorage).toEqual({ sizeInGiB: 40 });
  expect(Object.fromEntries(task.launchTags.map(({ key, value }) => [key, value]))).toMatchObject({
    team: "ci",
    "getabako.dev/repository": "acme/web",
    "getabako.dev/workflow": "CI _nightly_",
    "getabako.dev/request": `team-web/${of.requestName}`,
  });
});

test("after a restart, a launch repeated with another JIT configuration adopts the task of the first one", async () => {
  const { sim, provider, launch, restarted } = await ecsBench();
  const of = launch();
  const first = await provider.create(of, signal);
  const second = await restarted().create({ ...of, jitConfig: jitConfig() }, signal);
  expect(second).toMatchObject({ adopted: true, instance: { id: first.instance.id, capacity: "spot", attempt: 1 } });
  expect(sim.calls.count("RunTask")).toBe(2);
  expect(sim.liveTasks()).toHaveLength(1);
});

test("an adopted task that cannot be read yet is given by its id alone", async () => {
  const { sim, provider, launch, restarted } = await ecsBench();
  const of = launch();
  sim.hideNewTasks(1);
  const first = await provider.create(of, signal);
  const hidden = await restarted().create({ ...of, jitConfig: jitConfig() }, signal);
  expect(hidden).toMatchObject({
    adopted: true,
    instance: { id: first.instance.id, state: "Pending", requestUid: of.requestUid, attempt: 1 },
  });
  sim.faults.throttle(1, { operation: "DescribeTasks" });
  const throttled = await restarted().create({ ...of, jitConfig: jitConfig() }, signal);
  expect(throttled).toMatchObject({ adopted: true, instance: { id: first.instance.id, runnerName: of.runnerName } });
});

test("a conflict without a task counts as a refusal of the rung", async () => {
  const { sim, provider, launch, restarted } = await ecsBench({ tokensSurviveFailures: true });
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT");
  sim.capacity.refuse("FARGATE");
  await expect(provider.create(of, signal)).rejects.toMatchObject({ code: "InsufficientCapacity" });
  sim.capacity.release();
  // After a crash before the refusal was stored: same try, another JIT configuration, and the tokens are used up.
  const error = await restarted()
    .create({ ...of, jitConfig: jitConfig() }, signal)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "InsufficientCapacity", refusals: [{ reason: "TokenUsed" }, { reason: "TokenUsed" }] });
  await expect(provider.create({ ...of, tries: 1 }, signal)).resolves.toMatchObject({ instance: { capacity: "spot" } });
  expect(sim.liveTasks()).toHaveLength(1);
});

test.each([
  ["an answer that never comes", { kind: "hang", accepted: true }],
  ["a cut connection", { kind: "cut", accepted: true }],
  ["HTML of a proxy", { kind: "html", status: 502, accepted: true }],
  ["HTML of a proxy with status 200", { kind: "html", status: 200, accepted: true }],
  ["a server error", { kind: "exception", type: "ServerException", status: 500, accepted: true }],
] as const)("%s is Unavailable, never moves on to the next rung, and one task comes of it", async (_title, outcome) => {
  const { sim, provider, launch, failure } = await ecsBench({ patienceMs: 1_000 });
  const of = launch();
  sim.faults.add(outcome);
  expect(await failure(of)).toMatchObject({ name: "ProviderError", code: "Unavailable" });
  expect(sim.calls.count("RunTask")).toBe(1);
  const { instance } = await provider.create(of, signal);
  expect(instance.capacity).toBe("spot");
  expect(sim.liveTasks()).toHaveLength(1);
});

test("a throttled call is Throttled and does not move on", async () => {
  const { sim, launch, failure } = await ecsBench();
  sim.faults.throttle(1);
  expect(await failure(launch())).toMatchObject({ code: "Throttled" });
  expect(sim.calls.count("RunTask")).toBe(1);
});

test("an answer lost on a later rung is repeated there, as often as it takes", async () => {
  const { sim, provider, launch, failure } = await ecsBench();
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT", { times: 1 });
  sim.faults.add({ kind: "cut" }, { capacity: "FARGATE", times: 2 });
  expect(await failure(of)).toMatchObject({ code: "Unavailable" });
  expect(await failure(of)).toMatchObject({ code: "Unavailable" });
  const { instance, refusals } = await provider.create(of, signal);
  expect(instance.capacity).toBe("on-demand");
  expect(refusals).toMatchObject([{ capacity: "spot", reason: "CapacityUnavailable" }]);
  expect(sim.calls.list("RunTask").map(({ outcome }) => outcome)).toEqual(["failures", "cut", "cut", "ok"]);
});

test("an answer lost on a rung is repeated there although the rung is to be avoided by now, and the others have their turn behind it", async () => {
  const { sim, provider, launch, failure } = await ecsBench();
  const of = launch();
  sim.faults.add({ kind: "cut", accepted: true });
  expect(await failure(of)).toMatchObject({ code: "Unavailable" });
  await expect(provider.create({ ...of, avoid: ["spot"] }, signal)).resolves.toMatchObject({ instance: { capacity: "spot" } });
  expect(sim.liveTasks()).toHaveLength(1);

  const other = launch({ requestUid: "uid-other", avoid: ["spot"] });
  sim.faults.add({ kind: "cut" });
  expect(await failure(other)).toMatchObject({ code: "Unavailable" });
  sim.capacity.refuse("FARGATE", { times: 1 });
  const { instance, refusals } = await provider.create({ ...other, avoid: [] }, signal);
  expect(instance.capacity).toBe("spot");
  expect(refusals).toMatchObject([{ capacity: "on-demand" }]);
});

test.each([
  ["RESOURCE:CPU", "InsufficientCapacity"],
  ["AGENT", "InsufficientCapacity"],
  ["ATTRIBUTE", "TargetNotReady"],
  ["LOCATION", "TargetNotReady"],
  ["SOMETHING_NEW", "Internal"],
])("the failure %s on the last rung is %s", async (reason, code) => {
  const { sim, launch, failure } = await ecsBench({
    spec: { capacity: [{ name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] }] },
  });
  sim.faults.failures([reason]);
  expect(await failure(launch())).toMatchObject({ code });
});

test("a failure that is no lack of capacity ends the launch on its rung", async () => {
  const { sim, provider, launch, failure } = await ecsBench();
  const of = launch();
  sim.faults.failures(["ATTRIBUTE"]);
  expect(await failure(of)).toMatchObject({ code: "TargetNotReady" });
  expect(sim.calls.count("RunTask")).toBe(1);
  await expect(provider.create(of, signal)).resolves.toMatchObject({ instance: { capacity: "spot" } });
});

test.each([
  ["a failure", { kind: "failures", failures: [{ reason: "ATTRIBUTE" }] }, "TargetNotReady"],
  ["an unknown failure", { kind: "failures", failures: [{ reason: "SOMETHING_NEW" }] }, "Internal"],
  ["an exception", { kind: "exception", type: "AccessDeniedException" }, "Unauthorized"],
] as const)(
  "after %s that says that nothing was started, a launch is repeated from the foot of the ladder",
  async (_title, outcome, code) => {
    const { sim, provider, launch, failure } = await ecsBench();
    const of = launch();
    sim.capacity.refuse("FARGATE_SPOT", { times: 1 });
    sim.faults.add(outcome, { capacity: "FARGATE" });
    expect(await failure(of)).toMatchObject({ code });
    await expect(provider.create(of, signal)).resolves.toMatchObject({ instance: { capacity: "spot" }, refusals: [] });
  },
);

test("two calls for one launch climb one after the other, so that they cannot end on two rungs", async () => {
  const { sim, provider, launch } = await ecsBench();
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT", { times: 1 });
  const [first, second] = await Promise.all([provider.create(of, signal), provider.create(of, signal)]);
  expect(second.instance.id).toBe(first.instance.id);
  expect(sim.liveTasks()).toHaveLength(1);
});

test("a call that waits for another one of the same launch goes on when that one fails", async () => {
  const { sim, provider, launch } = await ecsBench();
  const of = launch();
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" });
  const [first, second] = await Promise.allSettled([provider.create(of, signal), provider.create(of, signal)]);
  expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
});

test("a quota that comes as an exception is a refusal too", async () => {
  const { sim, provider, launch } = await ecsBench();
  const message = "You've reached the limit on the number of vCPUs you can run concurrently";
  sim.faults.add({ kind: "exception", type: "ClientException", message });
  const { instance, refusals } = await provider.create(launch(), signal);
  expect(instance.capacity).toBe("on-demand");
  expect(refusals).toMatchObject([{ capacity: "spot", reason: "QuotaExceeded" }]);
});

test("an account at its quota is left alone for a minute", async () => {
  const { sim, launch, failure } = await ecsBench();
  sim.faults.failures(["You've reached the limit on the number of vCPUs you can run concurrently"], { times: 2 });
  expect(await failure(launch())).toMatchObject({ code: "InsufficientCapacity", retryAfterMs: 60_000 });
});

test("an answer with neither task nor failure is Unavailable once, and then a refusal", async () => {
  const { sim, provider, launch, failure } = await ecsBench();
  const of = launch();
  sim.faults.add({ kind: "failures", failures: [] }, { times: 2 });
  expect(await failure(of)).toMatchObject({ code: "Unavailable" });
  const { instance, refusals } = await provider.create(of, signal);
  expect(instance.capacity).toBe("on-demand");
  expect(refusals).toMatchObject([{ capacity: "spot", reason: "EmptyAnswer" }]);
});

test.each([
  ["ClusterNotFoundException", "TargetNotReady"],
  ["AccessDeniedException", "Unauthorized"],
  ["InvalidParameterException", "InvalidRequest"],
  ["PlatformUnknownException", "InvalidRequest"],
  ["BlockedException", "Unauthorized"],
  ["BrandNewException", "Internal"],
])("%s is %s and asks no further rung", async (type, code) => {
  const { sim, launch, failure } = await ecsBench();
  sim.faults.add({ kind: "exception", type });
  expect(await failure(launch())).toMatchObject({ name: "ProviderError", code });
  expect(sim.calls.count("RunTask")).toBe(1);
});

test("no server at all is Unavailable, with the address in the message", async () => {
  const { launch, failure } = await ecsBench({ spec: { endpoint: "http://127.0.0.1:9" } });
  expect(await failure(launch())).toMatchObject({ code: "Unavailable", message: expect.stringContaining("http://127.0.0.1:9") });
});

test("an abort in the middle of a call ends it with the signal's reason", async () => {
  const { sim, provider, launch } = await ecsBench();
  const controller = new AbortController();
  const reason = new Error("shutting down");
  const fault = sim.faults.add({ kind: "hang" });
  const created = provider.create(launch(), controller.signal);
  await fault.reached;
  controller.abort(reason);
  await expect(created).rejects.toBe(reason);
});

test("a class that moved to another image while an answer was lost still has one task, with the configuration it was given", async () => {
  const { sim, provider, cls, launch, failure } = await ecsBench();
  const of = launch();
  sim.faults.add({ kind: "cut", accepted: true });
  await failure(of);
  const changed = { ...cls, generation: 2, spec: { ...cls.spec, image: "ghcr.io/acme/runner:next" } };
  const { adopted, instance } = await provider.create({ ...of, class: changed }, signal);
  expect({ adopted, capacity: instance.capacity }).toEqual({ adopted: false, capacity: "spot" });
  expect(sim.liveTasks()).toHaveLength(1);
});

test.each([
  ["RunTask is refused", { operation: "RunTask" }],
  ["the definition may not be looked up", { operation: "DescribeTaskDefinition" }],
] as const)(
  "when %s after an answer was lost, the launch is not over: another try would start a second task",
  async (_title, match) => {
    const { sim, provider, launch, failure } = await ecsBench();
    const of = launch();
    sim.faults.add({ kind: "cut", accepted: true });
    expect(await failure(of)).toMatchObject({ code: "Unavailable" });
    const image = "ghcr.io/acme/runner:next";
    const changed = { ...of.class, generation: 2, spec: { ...of.class.spec, image } };
    sim.faults.add({ kind: "exception", type: "AccessDeniedException" }, match);
    expect(await failure({ ...of, class: changed })).toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/earlier call may have started.*may not call/),
    });
    const { instance, adopted } = await provider.create({ ...of, class: changed }, signal);
    expect({ adopted, capacity: instance.capacity }).toEqual({ adopted: false, capacity: "spot" });
    expect(sim.tasks()).toHaveLength(1);
  },
);

test("a class that cannot give the runner any more does not end a launch whose answer was lost", async () => {
  const { sim, provider, cls, launch, failure } = await ecsBench({
    spec: { images: [{ name: "node", image: "ghcr.io/acme/node:22" }] },
  });
  const of = launch({ overrides: { image: "node" } });
  sim.faults.add({ kind: "cut", accepted: true });
  expect(await failure(of)).toMatchObject({ code: "Unavailable" });
  const without = { ...cls, spec: { ...cls.spec, images: [] } };
  expect(await failure({ ...of, class: without })).toMatchObject({ code: "Unavailable" });
  await provider.create(of, signal);
  expect(sim.tasks()).toHaveLength(1);
});

test("an answer without a word stays open where the tasks may not be listed", async () => {
  const { sim, launch, failure } = await ecsBench();
  const of = launch();
  sim.faults.add({ kind: "failures", failures: [] });
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" }, { operation: "ListTasks" });
  expect(await failure(of)).toMatchObject({ code: "Unavailable", message: expect.stringContaining("ListTasks") });
});

test.each([
  ["throttled", { kind: "exception", type: "ThrottlingException" }, "RunTask"],
  ["not made, since the definition was not found in time", { kind: "cut" }, "DescribeTaskDefinition"],
] as const)("a refusal after a call that was %s is one: nothing was left open", async (_title, outcome, operation) => {
  const { sim, clock, launch, failure } = await ecsBench();
  const of = launch();
  sim.faults.add(outcome, { operation });
  await failure(of);
  clock.advance(60_000);
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" });
  expect(await failure(of)).toMatchObject({ code: "Unauthorized" });
});

test("a rung that was taken out of the class is not asked again", async () => {
  const { sim, provider, cls, launch, failure } = await ecsBench();
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT", { times: 1 });
  sim.faults.add({ kind: "cut" }, { capacity: "FARGATE" });
  await failure(of);
  const spotOnly = { ...cls, spec: { ...cls.spec, capacity: cls.spec.capacity.slice(0, 1) } };
  await expect(provider.create({ ...of, class: spotOnly }, signal)).resolves.toMatchObject({
    instance: { capacity: "spot" },
    refusals: [],
  });
});

test("the task of a lost call is found although its rung was taken out of the class", async () => {
  const { sim, provider, cls, launch, failure } = await ecsBench();
  const of = launch();
  sim.capacity.refuse("FARGATE_SPOT", { times: 1 });
  sim.faults.add({ kind: "cut", accepted: true }, { capacity: "FARGATE" });
  await failure(of);
  const spotOnly = { ...cls, spec: { ...cls.spec, capacity: cls.spec.capacity.slice(0, 1) } };
  const { instance, adopted } = await provider.create({ ...of, class: spotOnly }, signal);
  expect({ id: instance.id, capacity: instance.capacity, adopted }).toEqual({
    id: sim.tasks()[0]?.arn,
    capacity: "on-demand",
    adopted: false,
  });
  expect(sim.tasks()).toHaveLength(1);
});

test("the environment carries the JIT configuration to the runner's container and nowhere else", async () => {
  const { sim, provider, launch } = await ecsBench();
  const of = launch();
  const { instance } = await provider.create(of, signal);
  const request: RunTaskRequest = sim.task(instance.id).request;
  expect(request.overrides?.containerOverrides).toEqual([
    { name: "runner", environment: [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: of.jitConfig }] },
  ]);
  expect(JSON.stringify({ ...request, overrides: undefined })).not.toContain(of.jitConfig.slice(0, 40));
});
