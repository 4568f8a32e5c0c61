import {
  ConflictException,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  type RunTaskCommandInput,
} from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { fargateDefinition, makeBench, raw, runInput } from "./testing.ts";

describe("RunTask", () => {
  it("answers with a task in PROVISIONING that has what was asked for", async () => {
    const { run, sim, definition } = await makeBench();
    const { tasks, failures } = await run({
      startedBy: "uid-1",
      group: "attempt-1",
      tags: [{ key: "team", value: "ci" }],
      overrides: {
        cpu: "2048",
        memory: "4096",
        containerOverrides: [{ name: "runner", environment: [{ name: "A", value: "b" }] }],
      },
    });
    expect(failures).toEqual([]);
    expect(tasks).toHaveLength(1);
    expect(tasks?.[0]).toMatchObject({
      lastStatus: "PROVISIONING",
      desiredStatus: "RUNNING",
      version: 1,
      startedBy: "uid-1",
      group: "attempt-1",
      launchType: "FARGATE",
      capacityProviderName: "FARGATE",
      cpu: "2048",
      memory: "4096",
      taskDefinitionArn: definition,
      tags: [{ key: "team", value: "ci" }],
      overrides: { containerOverrides: [{ name: "runner", environment: [{ name: "A", value: "b" }] }] },
    });
    expect(tasks?.[0]?.taskArn).toMatch(/^arn:aws:ecs:us-east-1:123456789012:task\/runners\/[0-9a-f]{32}$/);
    expect(tasks?.[0]?.createdAt).toBeInstanceOf(Date);
    expect(sim.violations).toEqual([]);
  });

  it("leaves out what is not there and fills in the family's group", async () => {
    const { run } = await makeBench();
    const task = (await run()).tasks?.[0];
    expect(task?.group).toBe("family:runner");
    expect(task).not.toHaveProperty("startedBy", expect.anything());
    expect(task).not.toHaveProperty("stopCode", expect.anything());
    expect(task?.containers?.[0]?.exitCode).toBeUndefined();
  });

  it("launches on demand by launch type, without a provider's name", async () => {
    const { run } = await makeBench();
    const { tasks } = await run({ capacityProviderStrategy: undefined, launchType: "FARGATE" });
    expect(tasks?.[0]?.launchType).toBe("FARGATE");
    expect(tasks?.[0]?.capacityProviderName).toBeUndefined();
  });

  it("uses the cluster's default strategy when the call has none", async () => {
    const { run } = await makeBench({
      clusters: [{ name: "runners", defaultCapacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] }],
    });
    expect((await run({ capacityProviderStrategy: undefined })).tasks?.[0]?.capacityProviderName).toBe("FARGATE_SPOT");
  });

  it("shares launches by weight and never uses a provider of weight 0", async () => {
    const { run, sim } = await makeBench();
    const strategy = [
      { capacityProvider: "FARGATE", weight: 1 },
      { capacityProvider: "FARGATE_SPOT", weight: 3 },
    ];
    for (let launch = 0; launch < 8; launch++) {
      await run({ capacityProviderStrategy: strategy });
    }
    expect(sim.report().perCapacity).toEqual({ FARGATE: 2, FARGATE_SPOT: 6 });
    const spotOnly = [
      { capacityProvider: "FARGATE", weight: 0 },
      { capacityProvider: "FARGATE_SPOT", weight: 1 },
    ];
    for (let launch = 0; launch < 3; launch++) {
      expect((await run({ capacityProviderStrategy: spotOnly })).tasks?.[0]?.capacityProviderName).toBe("FARGATE_SPOT");
    }
  });

  it("resolves a family to its newest active revision", async () => {
    const { run, client } = await makeBench();
    await client.send(new RegisterTaskDefinitionCommand({ ...fargateDefinition, cpu: "512", memory: "1024" }));
    expect((await run({ taskDefinition: "runner" })).tasks?.[0]?.taskDefinitionArn).toMatch(/:2$/);
  });

  it("copies the definition's tags when asked to", async () => {
    const { run, client } = await makeBench();
    await client.send(
      new RegisterTaskDefinitionCommand({ ...fargateDefinition, family: "tagged", tags: [{ key: "a", value: "1" }] }),
    );
    const { tasks } = await run({ taskDefinition: "tagged", propagateTags: "TASK_DEFINITION", tags: [{ key: "b", value: "2" }] });
    expect(tasks?.[0]?.tags).toEqual([
      { key: "b", value: "2" },
      { key: "a", value: "1" },
    ]);
  });

  it("records who called, and keeps environment values out of the log", async () => {
    const { run, sim } = await makeBench();
    const environment = [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: "planted-secret" }];
    await run({ overrides: { containerOverrides: [{ name: "runner", environment }] } });
    const [call] = sim.calls.list("RunTask");
    expect(call).toMatchObject({ accessKeyId: "AKIASIMULATOR", sdkAttempt: 1, outcome: "ok" });
    expect(JSON.stringify(sim.calls.list())).not.toContain("planted-secret");
    expect(JSON.stringify(call?.request)).toContain("<14 characters>");
  });
});

describe("clientToken", () => {
  it("gives the same task for the same call", async () => {
    const { run, sim } = await makeBench();
    const input = { clientToken: "uid-1.1", startedBy: "uid-1" };
    const first = (await run(input)).tasks?.[0]?.taskArn;
    sim.moveTo(first ?? "", "RUNNING");
    const second = await run(input);
    expect(second.tasks?.map((task) => task.taskArn)).toEqual([first]);
    expect(second.tasks?.[0]?.lastStatus).toBe("RUNNING");
    expect(sim.report().launched).toBe(1);
  });

  it("does not care about the order of members", async () => {
    const { sim, definition } = await makeBench();
    const input: Record<string, unknown> = { ...runInput(definition), clientToken: "t" };
    await raw(sim, "RunTask", input);
    await raw(sim, "RunTask", Object.fromEntries(Object.entries(input).toReversed()));
    expect(sim.report().launched).toBe(1);
    expect(sim.calls.outcomes()["RunTask"]).toEqual({ ok: 2 });
  });

  it("is a conflict with the task's ARN once anything differs", async () => {
    const { run, launch, sim } = await makeBench();
    const arn = await launch({ clientToken: "t", startedBy: "uid-1" });
    const error = await run({ clientToken: "t", startedBy: "uid-2" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConflictException);
    expect((error as ConflictException).resourceIds).toEqual([arn]);
    expect(sim.report().launched).toBe(1);
    expect(sim.violations).toEqual([]);
  });

  it("counts per cluster", async () => {
    const { run, sim } = await makeBench();
    await run({ clientToken: "t", cluster: "runners" });
    await run({ clientToken: "t", cluster: "default" });
    expect(sim.report().launched).toBe(2);
  });

  it("lasts for 24 hours", async () => {
    const { run, sim } = await makeBench();
    await run({ clientToken: "t" });
    sim.advanceClock(24 * 3_600_000 - 60_000);
    await run({ clientToken: "t" });
    expect(sim.report().launched).toBe(1);
    sim.advanceClock(60_000);
    await run({ clientToken: "t" });
    expect(sim.report().launched).toBe(2);
  });

  it("is not used up by a call that gave nothing but failures, unless told so", async () => {
    const lenient = await makeBench();
    lenient.sim.faults.failures(["RESOURCE:CPU"]);
    await lenient.run({ clientToken: "t" });
    expect((await lenient.run({ clientToken: "t" })).tasks).toHaveLength(1);

    const strict = await makeBench({ tokensSurviveFailures: true });
    strict.sim.faults.failures(["RESOURCE:CPU"]);
    await strict.run({ clientToken: "t" });
    expect((await strict.run({ clientToken: "t" })).tasks).toEqual([]);
  });
});

describe("references that do not hold", () => {
  const cases: readonly (readonly [string, Partial<RunTaskCommandInput>, string, string])[] = [
    ["an unknown cluster", { cluster: "nowhere" }, "ClusterNotFoundException", "Cluster not found."],
    ["an unknown task definition", { taskDefinition: "ghost:1" }, "ClientException", "TaskDefinition not found."],
  ];
  it.each(cases)("%s is an error but no violation, as it depends on the account", async (_what, input, name, message) => {
    const { run, sim } = await makeBench();
    await expect(run(input)).rejects.toMatchObject({ name, message });
    expect(sim.violations).toEqual([]);
  });

  it("an inactive cluster is not found", async () => {
    const { run } = await makeBench({ clusters: [{ name: "runners", status: "INACTIVE" }] });
    await expect(run()).rejects.toMatchObject({
      name: "ClusterNotFoundException",
      message: "The referenced cluster was inactive.",
    });
  });

  it("only the configured subnets and security groups exist", async () => {
    const { run, sim, client } = await makeBench({ subnets: ["subnet-1"], securityGroups: ["sg-1"] });
    const vpc = (subnets: string[], securityGroups: string[]) => ({
      networkConfiguration: { awsvpcConfiguration: { subnets, securityGroups } },
    });
    const arn = (await run()).tasks?.[0]?.taskArn ?? "";
    expect((await client.send(new DescribeTasksCommand({ cluster: "runners", tasks: [arn] }))).tasks).toHaveLength(1);
    await expect(run(vpc(["subnet-2"], []))).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: expect.stringContaining("'subnet-2' does not exist"),
    });
    await expect(run(vpc(["subnet-1"], ["sg-2"]))).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: expect.stringContaining("'sg-2' does not exist"),
    });
    expect(sim.violations.map((violation) => violation.kind)).toEqual(["reference", "reference"]);
  });
});
