import {
  DescribeCapacityProvidersCommand,
  DescribeClustersCommand,
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  ListTaskDefinitionsCommand,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { fargateDefinition, makeBench } from "./testing.ts";

describe("report", () => {
  it("counts tasks, what lived at the same time, and what was left behind", async () => {
    const { sim, launch } = await makeBench();
    const one = await launch({ startedBy: "uid-1", group: "1" });
    sim.moveTo(one, "STOPPED");
    const two = await launch({ startedBy: "uid-1", group: "2" });
    const three = await launch({ startedBy: "uid-2", group: "1" });
    expect(sim.report()).toMatchObject({
      launched: 3,
      live: [two, three],
      stopCodes: { EssentialContainerExited: 1 },
      perStartedBy: { "uid-1": 2, "uid-2": 1 },
      perCapacity: { FARGATE: 3 },
      maxLive: 2,
      doubled: [],
      calls: { RegisterTaskDefinition: { ok: 1 }, RunTask: { ok: 3 } },
      violations: [],
    });
  });

  it("remembers two tasks of one launch that lived together, also when they are gone", async () => {
    const { sim, launch } = await makeBench();
    const same = { startedBy: "uid-1", group: "1" };
    const arns = [await launch(same), await launch(same)];
    for (const arn of arns) {
      sim.moveTo(arn, "STOPPED");
    }
    await launch(same);
    sim.advanceClock(3_600_000);
    expect(sim.report().doubled).toMatchObject([{ key: "uid-1 1", tasks: expect.arrayContaining(arns) }]);
    expect(sim.ledger.maxLive((task) => task.startedBy)).toEqual(new Map([["uid-1", 2]]));
  });

  it("counts by a tag as launched, though StopTask deletes it", async () => {
    const { sim, launch } = await makeBench();
    const target = (value: string) => ({ tags: [{ key: "target", value }] });
    const arn = await launch(target("web"));
    sim.stop(arn);
    await launch(target("web"));
    await launch(target("api"));
    const byTarget = sim.ledger.maxLive((task) => task.launchTags.find((tag) => tag.key === "target")?.value);
    expect(byTarget).toEqual(
      new Map([
        ["web", 2],
        ["api", 1],
      ]),
    );
  });
});

describe("task definitions", () => {
  it("are read by family, family:revision and ARN", async () => {
    const { client, definition } = await makeBench();
    await client.send(new RegisterTaskDefinitionCommand({ ...fargateDefinition, tags: [{ key: "hash", value: "abc" }] }));
    const read = async (taskDefinition: string) =>
      client.send(new DescribeTaskDefinitionCommand({ taskDefinition, include: ["TAGS"] }));
    expect(await read("runner")).toMatchObject({
      taskDefinition: { revision: 2, status: "ACTIVE" },
      tags: [{ key: "hash", value: "abc" }],
    });
    expect(await read("runner:1")).toMatchObject({
      taskDefinition: { taskDefinitionArn: definition, cpu: "1024", networkMode: "awsvpc" },
      tags: [],
    });
    expect((await read(definition)).taskDefinition?.registeredAt).toBeInstanceOf(Date);
    await expect(read("runner:3")).rejects.toMatchObject({
      name: "ClientException",
      message: "Unable to describe task definition.",
    });
    await expect(read("ghost")).rejects.toMatchObject({ name: "ClientException" });
  });

  it("stay readable once deregistered, but no task can use them", async () => {
    const { client, definition, run, sim } = await makeBench();
    await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: definition }));
    expect((await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: definition }))).taskDefinition?.status).toBe(
      "INACTIVE",
    );
    await expect(run()).rejects.toMatchObject({ name: "ClientException", message: "TaskDefinition is inactive" });
    await expect(run({ taskDefinition: "runner" })).rejects.toMatchObject({
      name: "ClientException",
      message: "TaskDefinition not found.",
    });
    expect((await client.send(new ListTaskDefinitionsCommand({ status: "INACTIVE" }))).taskDefinitionArns).toEqual([definition]);
    expect(sim.violations).toEqual([]);
  });

  it("are listed by family in the order of their revisions", async () => {
    const { client, definition } = await makeBench();
    const second = await client.send(new RegisterTaskDefinitionCommand(fargateDefinition));
    await client.send(new RegisterTaskDefinitionCommand({ ...fargateDefinition, family: "another" }));
    const list = async (sort: "ASC" | "DESC") =>
      (await client.send(new ListTaskDefinitionsCommand({ familyPrefix: "runner", sort }))).taskDefinitionArns;
    const arns = [definition, second.taskDefinition?.taskDefinitionArn];
    expect(await list("ASC")).toEqual(arns);
    expect(await list("DESC")).toEqual(arns.toReversed());
  });
});

describe("clusters and capacity providers", () => {
  it("are as configured, and unknown ones are MISSING", async () => {
    const { client, launch, sim } = await makeBench({
      clusters: [
        {
          name: "runners",
          capacityProviders: ["FARGATE", "asg"],
          defaultCapacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1 }],
        },
      ],
      capacityProviders: [{ name: "managed", type: "MANAGED_INSTANCES" }],
    });
    await launch();
    const clusters = await client.send(new DescribeClustersCommand({ clusters: ["runners", "ghost"] }));
    expect(clusters.clusters).toMatchObject([
      {
        clusterName: "runners",
        status: "ACTIVE",
        capacityProviders: ["FARGATE", "asg"],
        pendingTasksCount: 1,
        defaultCapacityProviderStrategy: [{ capacityProvider: "FARGATE" }],
      },
    ]);
    expect(clusters.failures).toMatchObject([{ reason: "MISSING" }]);
    const providers = await client.send(
      new DescribeCapacityProvidersCommand({ capacityProviders: ["FARGATE_SPOT", "asg", "managed", "ghost"] }),
    );
    expect(providers.capacityProviders?.map(({ name, type, status }) => [name, type, status])).toEqual([
      ["FARGATE_SPOT", "FARGATE_SPOT", "ACTIVE"],
      ["asg", "EC2_AUTOSCALING", "ACTIVE"],
      ["managed", "MANAGED_INSTANCES", "ACTIVE"],
    ]);
    expect(providers.failures).toMatchObject([{ reason: "MISSING" }]);
    expect(sim.violations).toEqual([]);
  });

  it("are read for one cluster, ten at a time", async () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ name: `asg-${index}`, type: "EC2_AUTOSCALING" as const }));
    const { client } = await makeBench({
      clusters: [{ name: "runners", capacityProviders: many.map(({ name }) => name) }, { name: "other" }],
      capacityProviders: [...many, { name: "managed", type: "MANAGED_INSTANCES", cluster: "other" }],
    });
    const read = (input: object) => client.send(new DescribeCapacityProvidersCommand({ cluster: "runners", ...input }));
    const first = await read({});
    const second = await read({ nextToken: first.nextToken });
    expect([first.capacityProviders?.length, second.capacityProviders?.length, second.nextToken]).toEqual([10, 2, undefined]);
    expect((await read({ capacityProviders: ["managed"] })).failures).toMatchObject([{ reason: "MISSING" }]);
    expect((await read({ cluster: "other", capacityProviders: ["managed"] })).capacityProviders).toMatchObject([
      { name: "managed", cluster: "other" },
    ]);
  });
});
