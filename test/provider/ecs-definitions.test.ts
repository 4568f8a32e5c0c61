import { expect, test } from "vitest";
import { ecsBench } from "./ecs-bench.ts";
import { ecsSpec } from "./ecs-class.ts";
import { unaborted } from "./launches.ts";

const signal = unaborted();

test("launches at once register one definition", async () => {
  const { sim, provider, launch } = await ecsBench();
  await Promise.all(Array.from({ length: 10 }, () => provider.create(launch(), signal)));
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(1);
  expect(sim.liveTasks()).toHaveLength(10);
});

test("after a restart the definition is found again with one call", async () => {
  const { sim, provider, launch, restarted } = await ecsBench();
  await provider.create(launch(), signal);
  await restarted().create(launch(), signal);
  expect([sim.calls.count("RegisterTaskDefinition"), sim.calls.count("DescribeTaskDefinition")]).toEqual([1, 2]);
});

test("a definition of the same family with another image is not used", async () => {
  const { sim, provider, launch, restarted } = await ecsBench();
  const { instance } = await provider.create(launch(), signal);
  const { request, family } = sim.task(instance.id).definition;
  const { ECSClient, RegisterTaskDefinitionCommand } = await import("@aws-sdk/client-ecs");
  const stranger = new ECSClient(sim.clientConfig);
  const [container] = request.containerDefinitions ?? [];
  await stranger.send(
    new RegisterTaskDefinitionCommand({ ...request, family, containerDefinitions: [{ ...container, image: "evil:1" }] }),
  );
  stranger.destroy();
  const next = await restarted().create(launch(), signal);
  const task = sim.task(next.instance.id);
  expect([task.definition.revision, task.containers[0]?.image]).toEqual([3, "ghcr.io/acme/runner:2.336.0"]);
});

test("a definition that was deregistered meanwhile is registered again, once, and the launch goes on", async () => {
  const { sim, provider, launch, log } = await ecsBench();
  const { instance } = await provider.create(launch(), signal);
  await deregister(sim, sim.task(instance.id).definition.arn);
  const next = await provider.create(launch(), signal);
  expect(sim.task(next.instance.id).definition.revision).toBe(2);
  expect(log.lines("registered task definition")).toHaveLength(2);
});

test("a registration that failed is tried again by the next launch", async () => {
  const { sim, provider, launch, failure, clock } = await ecsBench();
  sim.faults.throttle(1, { operation: "RegisterTaskDefinition" });
  expect(await failure(launch())).toMatchObject({ code: "Throttled" });
  clock.advance(1_000);
  await expect(provider.create(launch(), signal)).resolves.toMatchObject({ adopted: false });
});

test("a caller who gives up does not take the others' definition along", async () => {
  const { sim, provider, launch } = await ecsBench();
  const controller = new AbortController();
  const fault = sim.faults.add({ kind: "delay", ms: 100 }, { operation: "RegisterTaskDefinition" });
  const first = provider.create(launch(), controller.signal);
  const second = provider.create(launch(), signal);
  await fault.reached;
  controller.abort(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  await expect(second).resolves.toMatchObject({ adopted: false });
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(1);
});

test("a definition that ECS refuses is InvalidRequest with ECS' words, cut", async () => {
  const { sim, launch, failure } = await ecsBench();
  const message = "Log driver awslogs requires options";
  sim.faults.add({ kind: "exception", type: "ClientException", message }, { operation: "RegisterTaskDefinition" });
  expect(await failure(launch())).toMatchObject({ code: "InvalidRequest", message: expect.stringContaining(message) });
  expect(sim.calls.count("RunTask")).toBe(0);
});

test("a definition brought by the user is run by its full ARN with revision", async () => {
  const { sim, provider, launch, brought } = await withBrought();
  const { instance } = await provider.create(launch(), signal);
  expect(sim.calls.list("RunTask")[0]?.request["taskDefinition"]).toBe(brought);
  expect(sim.task(instance.id).request.overrides?.containerOverrides?.[0]?.name).toBe("main");
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(1);
});

test("a family without a revision is looked up again after a minute", async () => {
  const { sim, provider, launch, clock, register } = await withBrought();
  await provider.create(launch(), signal);
  const newer = await register();
  await provider.create(launch(), signal);
  clock.advance(61_000);
  await provider.create(launch(), signal);
  const used = sim.calls.list("RunTask").map(({ request }) => request["taskDefinition"]);
  expect(used.map((arn) => arn === newer)).toEqual([false, false, true]);
});

test("a definition brought by the user that does not exist is TargetNotReady", async () => {
  const { launch, failure } = await ecsBench({ spec: { image: undefined as never, taskDefinition: "nobody:7" } });
  expect(await failure(launch())).toMatchObject({
    code: "TargetNotReady",
    message: expect.stringContaining("nobody:7 does not exist"),
  });
});

test("a definition brought by the user that does not fit is InvalidRequest", async () => {
  const { cls, launch, failure } = await withBrought();
  const wrong = { ...cls, spec: { ...cls.spec, container: { ...cls.spec.container, name: "runner" } } };
  expect(await failure(launch({ class: wrong }))).toMatchObject({
    code: "InvalidRequest",
    message: expect.stringContaining("container.name"),
  });
});

async function withBrought() {
  const bench = await ecsBench({
    spec: {
      image: undefined as never,
      taskDefinition: "team-runner",
      container: { ...ecsSpec().container, name: "main" },
    },
  });
  const { ECSClient, RegisterTaskDefinitionCommand } = await import("@aws-sdk/client-ecs");
  const register = async (): Promise<string> => {
    const client = new ECSClient(bench.sim.clientConfig);
    const { taskDefinition } = await client.send(
      new RegisterTaskDefinitionCommand({
        family: "team-runner",
        networkMode: "awsvpc",
        requiresCompatibilities: ["FARGATE"],
        cpu: "1024",
        memory: "2048",
        containerDefinitions: [{ name: "main", image: "ghcr.io/acme/own:1" }],
      }),
    );
    client.destroy();
    return taskDefinition?.taskDefinitionArn ?? "";
  };
  return { ...bench, brought: await register(), register };
}

async function deregister(sim: { readonly clientConfig: object }, taskDefinition: string): Promise<void> {
  const { ECSClient, DeregisterTaskDefinitionCommand } = await import("@aws-sdk/client-ecs");
  const client = new ECSClient(sim.clientConfig);
  await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
  client.destroy();
}
