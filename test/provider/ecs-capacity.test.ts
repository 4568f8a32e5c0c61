import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import type { ProviderOptions } from "../sim/ecs/state/clusters.ts";
import { ecsBench, type EcsBenchOptions } from "./ecs-bench.ts";
import { ecsSpec } from "./ecs-class.ts";
import { unaborted } from "./launches.ts";

const signal = unaborted();

type Ladder = ECSRunnerClassSpec["capacity"];
const fargate: Ladder[number] = { name: "fargate", providers: [{ name: "FARGATE", weight: 1 }] };
const group: Ladder[number] = { name: "group", providers: [{ name: "asg", weight: 1 }] };
const managed: Ladder[number] = { name: "managed", type: "ManagedInstances", providers: [{ name: "mi", weight: 1 }] };

const bench = (
  capacity: Ladder,
  spec: Partial<ECSRunnerClassSpec> = {},
  { waits = false, ...options }: EcsBenchOptions & Pick<ProviderOptions, "waits"> = {},
) =>
  ecsBench({
    clusters: [{ name: "runners", capacityProviders: ["FARGATE", "asg"] }],
    capacityProviders: [
      { name: "asg", type: "EC2_AUTOSCALING", waits },
      { name: "mi", type: "MANAGED_INSTANCES", waits },
    ],
    spec: { capacity, ...spec },
    ...options,
  });

test.each([
  ["FARGATE", fargate],
  ["EC2", group],
  ["MANAGED_INSTANCES", managed],
])("a class whose ladder is all %s starts runners there", async (launchType, rung) => {
  const { sim, provider, cls, launch } = await bench([rung]);
  expect((await provider.check(cls, signal)).findings).toEqual([]);
  const { instance } = await provider.create(launch(), signal);
  expect(instance.capacity).toBe(rung.name);
  expect(sim.task(instance.id).launchType).toBe(launchType);
});

test("one definition serves a ladder over every kind of capacity, from rung to rung", async () => {
  const { sim, provider, launch } = await bench([managed, group, fargate], {
    resources: { cpu: 1, memory: "2Gi", disk: "50Gi" },
    network: { subnets: ["subnet-1", "subnet-2"], assignPublicIp: true },
  });
  sim.capacity.refuse("mi", { reason: "RESOURCE:CPU" });
  sim.capacity.refuse("asg", { reason: "RESOURCE:MEMORY" });
  const { instance, refusals } = await provider.create(launch(), signal);
  expect([instance.capacity, refusals.map(({ reason }) => reason)]).toEqual(["fargate", ["RESOURCE:CPU", "RESOURCE:MEMORY"]]);
  const { overrides, networkConfiguration } = sim.task(instance.id).request;
  expect(overrides?.ephemeralStorage).toEqual({ sizeInGiB: 50 });
  expect(networkConfiguration?.awsvpcConfiguration?.assignPublicIp).toBe("ENABLED");
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(1);
});

test.each([
  ["asg", group],
  ["mi", managed],
])("a runner on %s that waits for an instance is Pending for as long as that takes, and then runs", async (name, rung) => {
  const { sim, provider, place, launch } = await bench([rung], {}, { waits: true, timings: 1 });
  const { instance } = await provider.create(launch(), signal);
  const state = async () => {
    const found = (await provider.get(place, [instance.id], signal)).get(instance.id);
    return found === "gone" ? found : found?.state;
  };
  sim.advanceClock(9 * 60_000);
  expect([sim.task(instance.id).lastStatus, await state()]).toEqual(["PROVISIONING", "Pending"]);
  sim.capacity.release(name);
  await expect.poll(state).toBe("Running");
});

test.each([
  ["an Auto Scaling group", group],
  ["Managed Instances", managed],
])("a Docker daemon on %s has its privileges and its directory", async (_title, rung) => {
  const container = { ...ecsSpec().container, privileged: true, volumes: ["/var/lib/docker"] };
  const { sim, provider, cls, launch, restarted } = await bench([rung], { container });
  expect((await provider.check(cls, signal)).findings).toEqual([]);
  const { instance } = await provider.create(launch(), signal);
  const { request } = sim.task(instance.id).definition;
  expect(request.containerDefinitions).toMatchObject([
    { privileged: true, mountPoints: [{ containerPath: "/var/lib/docker", sourceVolume: request.volumes?.[0]?.name }] },
  ]);
  await restarted().create(launch(), signal);
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(1);
});

test("as many tasks in PROVISIONING as ECS allows is a lack of capacity: the next rung is asked", async () => {
  const { sim, provider, launch } = await bench([group, fargate], {}, { waits: true });
  const message = "You've reached the limit on the number of tasks in the PROVISIONING state (500).";
  sim.faults.add({ kind: "exception", type: "ClientException", message }, { capacity: "asg" });
  const { instance, refusals } = await provider.create(launch(), signal);
  expect([instance.capacity, refusals[0]?.reason]).toEqual(["fargate", "QuotaExceeded"]);
});

test("a definition of one's own that misses a kind of the ladder says so, and everything else that is wrong", async () => {
  const { sim, provider, cls } = await bench([managed, fargate], {
    image: undefined as never,
    taskDefinition: "team",
    network: undefined as never,
  });
  const { ECSClient, RegisterTaskDefinitionCommand } = await import("@aws-sdk/client-ecs");
  const client = new ECSClient(sim.clientConfig);
  await client.send(
    new RegisterTaskDefinitionCommand({
      family: "team",
      networkMode: "awsvpc",
      requiresCompatibilities: ["FARGATE"],
      cpu: "1024",
      memory: "2048",
      containerDefinitions: [{ name: "main", image: "ghcr.io/acme/own:1" }],
    }),
  );
  client.destroy();
  const { findings } = await provider.check(cls, signal);
  expect(findings).toMatchObject([{ severity: "Error", reason: "TaskDefinitionInvalid" }]);
  for (const part of ["team:1 does not fit", "container.name to one of main", "network.subnets", "MANAGED_INSTANCES"])
    expect(findings[0]?.message).toContain(part);
});
