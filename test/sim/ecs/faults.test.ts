import { ECSClient, ListTasksCommand, RunTaskCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Bench, makeBench, runInput } from "./testing.ts";

const spot = { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] };

/** A client that tries again by itself, as the SDK does unless it is told otherwise. */
function patientClient({ sim }: Bench): ECSClient {
  const client = new ECSClient({ ...sim.clientConfig, maxAttempts: 3 });
  onTestFinished(() => client.destroy());
  return client;
}

describe("failures", () => {
  it.each(["RESOURCE:CPU", "RESOURCE:ENI", "AGENT", "ATTRIBUTE", "a reason that nobody has seen"])(
    "%s arrives in a 200, without a task",
    async (reason) => {
      const { sim, run } = await makeBench();
      sim.faults.failures([reason]);
      const reply = await run();
      expect(reply.$metadata.httpStatusCode).toBe(200);
      expect([reply.tasks, reply.failures]).toEqual([[], [{ reason }]]);
      expect((await run()).tasks).toHaveLength(1);
      expect(sim.violations).toEqual([]);
    },
  );

  it("may be empty together with the tasks", async () => {
    const { sim, run } = await makeBench();
    sim.faults.failures([]);
    expect(await run()).toMatchObject({ tasks: [], failures: [] });
  });

  it("hit only the calls they are meant for", async () => {
    const { sim, run } = await makeBench();
    sim.faults.failures(["RESOURCE:CPU"], { capacity: "FARGATE_SPOT" });
    sim.faults.failures(["RESOURCE:MEMORY"], { cluster: "default" });
    sim.faults.failures(["AGENT"], { when: (call) => call.request["startedBy"] === "uid-9" });
    expect((await run()).failures).toEqual([]);
    expect((await run(spot)).failures).toEqual([{ reason: "RESOURCE:CPU" }]);
    expect((await run(spot)).failures).toEqual([]);
    expect((await run({ cluster: "default" })).failures).toEqual([{ reason: "RESOURCE:MEMORY" }]);
    expect((await run({ startedBy: "uid-9" })).failures).toEqual([{ reason: "AGENT" }]);
  });
});

describe("capacity", () => {
  it("is refused so many times, then there", async () => {
    const { sim, run } = await makeBench();
    sim.capacity.refuse("FARGATE_SPOT", { times: 2 });
    for (let attempt = 0; attempt < 2; attempt++) {
      expect((await run(spot)).failures).toEqual([{ reason: expect.stringMatching(/^Capacity is unavailable at this time/) }]);
      expect((await run()).tasks).toHaveLength(1);
    }
    expect((await run(spot)).tasks).toHaveLength(1);
  });

  it("is refused until it is released, with the reason given", async () => {
    const { sim, run } = await makeBench();
    sim.capacity.refuse("FARGATE", { reason: "RESOURCE:GPU", detail: "none left" });
    for (let attempt = 0; attempt < 3; attempt++) {
      expect((await run()).failures).toEqual([{ reason: "RESOURCE:GPU", detail: "none left" }]);
    }
    sim.capacity.release("FARGATE");
    expect((await run()).tasks).toHaveLength(1);
  });

  it("ends at a limit, and a call for several gets what is left", async () => {
    const { sim, run } = await makeBench();
    sim.capacity.limit("FARGATE", 3);
    const { tasks, failures } = await run({ count: 5 });
    expect([tasks?.length, failures?.length]).toEqual([3, 2]);
    sim.moveTo(tasks?.[0]?.taskArn ?? "", "STOPPED");
    expect((await run()).tasks).toHaveLength(1);
    expect((await run()).tasks).toHaveLength(0);
  });

  it("refuses an Auto Scaling group whose queue of waiting tasks is full", async () => {
    const bench = await makeBench({ clusters: [{ name: "runners", capacityProviders: ["FARGATE"] }] });
    bench.sim.capacity.hold("FARGATE");
    for (let call = 0; call < 50; call++) {
      await bench.run({ count: 10 });
    }
    await expect(bench.run()).rejects.toMatchObject({
      name: "ClientException",
      message: expect.stringContaining("PROVISIONING"),
    });
  });
});

describe("exceptions", () => {
  it.each([
    ["ServerException", 500],
    ["ClientException", 400],
    ["AccessDeniedException", 400],
    ["BlockedException", 400],
    ["LimitExceededException", 400],
    ["UnsupportedFeatureException", 400],
    ["ExpiredTokenException", 400],
    ["UnrecognizedClientException", 400],
  ])("%s arrives with status %i, and nothing was done", async (type, status) => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "exception", type, status, message: "as told" });
    await expect(run()).rejects.toMatchObject({ name: type, message: "as told", $metadata: { httpStatusCode: status } });
    expect(sim.report().launched).toBe(0);
    expect(sim.violations).toEqual([]);
  });

  it("may carry members of their own", async () => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "exception", type: "ConflictException", fields: { resourceIds: ["arn:1"] } });
    await expect(run()).rejects.toMatchObject({ name: "ConflictException", resourceIds: ["arn:1"] });
    expect(sim.violations).toEqual([]);
  });

  it("throttle as often as told, and the SDK's own tries are counted one by one", async () => {
    const bench = await makeBench();
    bench.sim.faults.throttle(2);
    await patientClient(bench).send(new RunTaskCommand(runInput(bench.definition)));
    expect(bench.sim.calls.list("RunTask").map(({ sdkAttempt, outcome }) => `${sdkAttempt} ${outcome}`)).toEqual([
      "1 ThrottlingException",
      "2 ThrottlingException",
      "3 ok",
    ]);
    expect(bench.sim.calls.outcomes()["RunTask"]).toEqual({ ThrottlingException: 2, ok: 1 });
  });

  it("hit other operations when named", async () => {
    const { sim, run, client } = await makeBench();
    sim.faults.throttle(1, { operation: "ListTasks" });
    await run();
    await expect(client.send(new ListTasksCommand({ cluster: "runners" }))).rejects.toMatchObject({
      name: "ThrottlingException",
    });
  });
});

describe("answers that get lost", () => {
  it("cut without having been accepted leave no task", async () => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "cut" });
    await expect(run()).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(sim.report().launched).toBe(0);
  });

  it("cut after having been accepted leave a task, which the same token finds", async () => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "cut", accepted: true });
    await expect(run({ clientToken: "t" })).rejects.toMatchObject({ code: "ECONNRESET" });
    const [launched] = sim.tasks();
    expect(launched).toBeDefined();
    expect((await run({ clientToken: "t" })).tasks?.map((task) => task.taskArn)).toEqual([launched?.arn]);
    expect(sim.report()).toMatchObject({ launched: 1, calls: { RunTask: { cut: 1, ok: 1 } } });
  });

  it("made into a proxy's page are no JSON for the SDK", async () => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "html", status: 502, accepted: true });
    await expect(run()).rejects.toMatchObject({ $metadata: { httpStatusCode: 502 } });
    expect(sim.report().launched).toBe(1);
  });

  it("that hang go on when released", async () => {
    const { sim, run } = await makeBench();
    const fault = sim.faults.add({ kind: "hang" });
    const answer = run();
    await fault.reached;
    expect(sim.report().launched).toBe(0);
    fault.release();
    expect((await answer).tasks).toHaveLength(1);
  });

  it("that hang after having been accepted leave a task behind a client that gave up", async () => {
    const { sim, client, definition } = await makeBench();
    const fault = sim.faults.add({ kind: "hang", accepted: true });
    const gone = new AbortController();
    const answer = client.send(new RunTaskCommand(runInput(definition)), { abortSignal: gone.signal });
    await fault.reached;
    gone.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    expect(sim.report().launched).toBe(1);
  });

  it("that hang are not carried out once the client has given up", async () => {
    const { sim, client, definition, run } = await makeBench();
    const fault = sim.faults.add({ kind: "hang" });
    const gone = new AbortController();
    const answer = client.send(new RunTaskCommand(runInput(definition)), { abortSignal: gone.signal });
    await fault.reached;
    gone.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    await expect.poll(() => sim.calls.outcomes()["RunTask"]).toEqual({ cut: 1 });
    fault.release();
    await run();
    expect(sim.report().launched).toBe(1);
  });

  it("are late by as much as told", async () => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "delay", ms: 50 });
    sim.faults.failures(["AGENT"]);
    const start = performance.now();
    expect((await run()).failures).toEqual([{ reason: "AGENT" }]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(45);
  });

  it("are cut off by a reset", async () => {
    const { sim, run } = await makeBench();
    const fault = sim.faults.add({ kind: "hang" });
    const answer = run();
    await fault.reached;
    const [error] = await Promise.all([answer.catch((thrown: unknown) => thrown), sim.reset()]);
    expect(error).toMatchObject({ code: "ECONNRESET" });
    expect(sim.report().launched).toBe(0);
  });
});

describe("token buckets", () => {
  it("are off until they are enabled", async () => {
    const { run, sim } = await makeBench();
    for (let call = 0; call < 25; call++) {
      await run();
    }
    expect(sim.calls.outcomes()["RunTask"]).toEqual({ ok: 25 });
  });

  it("let 20 Fargate launches pass at once and refill with time", async () => {
    let now = Date.UTC(2026, 0, 1);
    const { run, sim } = await makeBench({ throttle: true, clock: { now: () => now } });
    for (let call = 0; call < 20; call++) {
      await run();
    }
    await expect(run()).rejects.toMatchObject({ name: "ThrottlingException", message: "Rate exceeded" });
    now += 100;
    await run();
    await run();
    await expect(run()).rejects.toMatchObject({ name: "ThrottlingException" });
    expect(sim.report()).toMatchObject({ launched: 22, throttled: { fargateRunTask: 2 } });
  });

  it("count launches on Spot and on demand apart, each task of a call", async () => {
    let now = Date.UTC(2026, 0, 1);
    const { run, sim } = await makeBench({ throttle: true, clock: { now: () => now } });
    const on = (capacityProvider: string, count: number) =>
      run({ capacityProviderStrategy: [{ capacityProvider, weight: 1 }], count });
    for (let call = 0; call < 10; call++) await on("FARGATE_SPOT", 10);
    await expect(on("FARGATE_SPOT", 1)).rejects.toMatchObject({ name: "ThrottlingException" });
    await on("FARGATE", 10);
    expect(sim.report().throttled).toEqual({ fargateSpotLaunch: 1 });
    now += 1_000;
    await on("FARGATE_SPOT", 10);
  });

  it("are shared by RunTask and StopTask", async () => {
    const now = Date.UTC(2026, 0, 1);
    const { launch, client } = await makeBench({ throttle: true, clock: { now: () => now } });
    const task = await launch();
    const stop = () => client.send(new StopTaskCommand({ cluster: "runners", task }));
    for (let call = 0; call < 99; call++) {
      await stop();
    }
    await expect(stop()).rejects.toMatchObject({ name: "ThrottlingException" });
    await expect(launch()).rejects.toMatchObject({ name: "ThrottlingException" });
  });
});
