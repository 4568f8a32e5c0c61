import {
  type Failure,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  type RunTaskCommandInput,
} from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { fargateSizeProblem } from "./limits/fargate.ts";
import { fargateDefinition, makeBench, raw } from "./testing.ts";

function publicNetwork(): RunTaskCommandInput["networkConfiguration"] {
  return { awsvpcConfiguration: { subnets: ["subnet-1"], assignPublicIp: "ENABLED" } };
}

const environmentOf = (length: number) => ({
  containerOverrides: [{ name: "runner", environment: [{ name: "JIT", value: "x".repeat(length) }] }],
});

describe("RunTask's limits", () => {
  const vpc = (subnets: string[], securityGroups: string[] = []) => ({
    networkConfiguration: { awsvpcConfiguration: { subnets, securityGroups } },
  });
  const many = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const strategy = (...names: string[]) => ({
    capacityProviderStrategy: names.map((capacityProvider) => ({ capacityProvider, weight: 1 })),
  });

  const refused: readonly (readonly [string, Partial<RunTaskCommandInput>, RegExp])[] = [
    ["count 11", { count: 11 }, /Count must be between 1 and 10/],
    ["count 0", { count: 0 }, /Count must be between 1 and 10/],
    ["an empty task definition", { taskDefinition: "" }, /can not be blank/],
    ["a token of 65 characters", { clientToken: "t".repeat(65) }, /ClientToken/],
    ["a token with a space", { clientToken: "a b" }, /ClientToken/],
    ["startedBy of 129 characters", { startedBy: "s".repeat(129) }, /StartedBy/],
    ["startedBy with a colon", { startedBy: "uid:1" }, /StartedBy/],
    ["startedBy with a dot", { startedBy: "uid.1" }, /StartedBy/],
    ["tags propagated from a service", { propagateTags: "SERVICE" }, /PropagateTags/],
    ["51 tags", { tags: many(51, "k").map((key) => ({ key, value: "" })) }, /at most 50/],
    ["a tag key of 129 characters", { tags: [{ key: "k".repeat(129), value: "" }] }, /1 to 128/],
    ["a tag value of 257 characters", { tags: [{ key: "k", value: "v".repeat(257) }] }, /256/],
    ["a reserved tag", { tags: [{ key: "AwS:x", value: "" }] }, /reserved/],
    ["a tag with other characters", { tags: [{ key: "branch", value: "feature#1" }] }, /letters, digits/],
    [
      "the same tag twice",
      {
        tags: [
          { key: "k", value: "1" },
          { key: "k", value: "2" },
        ],
      },
      /Duplicate/,
    ],
    [
      "overrides of 8,193 characters",
      { overrides: environmentOf(8193 - JSON.stringify(environmentOf(0)).length) },
      /at most 8192/,
    ],
    ["a disk of 20 GiB", { overrides: { ephemeralStorage: { sizeInGiB: 20 } } }, /between 21 and 200/],
    ["both launch type and strategy", { launchType: "FARGATE" }, /both a launch type and capacity provider strategy/],
    ["Managed Instances as launch type", { capacityProviderStrategy: [], launchType: "MANAGED_INSTANCES" }, /strategy only/],
    ["a provider that nobody knows", strategy("SPACE"), /'SPACE' was not found/],
    ["a provider of another cluster", strategy("asg"), /not associated with the cluster: asg/],
    ["21 providers", strategy(...many(21, "p")), /maximum of 20/],
    ["weight 1001", { capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1001 }] }, /between 0 and 1000/],
    ["a base below 0", { capacityProviderStrategy: [{ capacityProvider: "FARGATE", base: -1 }] }, /between 0 and 100000/],
    ["the same provider twice", strategy("FARGATE", "FARGATE"), /only once/],
    [
      "all weights 0",
      { capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 0 }, { capacityProvider: "FARGATE_SPOT" }] },
      /weight greater than zero/,
    ],
    ["no network configuration", { networkConfiguration: undefined }, /must be provided when networkMode 'awsvpc'/],
    ["17 subnets", vpc(many(17, "subnet")), /1 and 16/],
    ["6 security groups", vpc(["subnet-1"], many(6, "sg")), /At most 5/],
    ["something that is not a subnet", vpc(["vpc-1"]), /'vpc-1' does not exist/],
    [
      "a container that the definition has not",
      { overrides: { containerOverrides: [{ name: "sidecar" }] } },
      /sidecar is not a container/,
    ],
    ["a container override without a name", { overrides: { containerOverrides: [{ cpu: 1 }] } }, /name can not be null/],
    ["cpu and memory that do not go together", { overrides: { cpu: "256", memory: "4096" } }, /No Fargate configuration exists/],
    ["a cpu override that breaks the pair", { overrides: { cpu: "4096" } }, /No Fargate configuration exists/],
    ["placement constraints on Fargate", { placementConstraints: [{ type: "distinctInstance" }] }, /not supported with FARGATE/],
    ["ECS Exec without a task role", { enableExecuteCommand: true }, /requires a task role/],
    [
      "EC2 for a definition that is fine with it, but with a platform version",
      { capacityProviderStrategy: [], launchType: "EC2", platformVersion: "1.4.0" },
      /platform version must be null/,
    ],
    [
      "an environment file that is no .env",
      {
        overrides: {
          containerOverrides: [{ name: "runner", environmentFiles: [{ type: "s3", value: "arn:aws:s3:::bucket/file.txt" }] }],
        },
      },
      /ends in \.env/,
    ],
    [
      "an environment file without an execution role",
      {
        overrides: {
          containerOverrides: [{ name: "runner", environmentFiles: [{ type: "s3", value: "arn:aws:s3:::bucket/file.env" }] }],
        },
      },
      /require an execution role/,
    ],
  ];

  it.each(refused)("refuse %s", async (_what, input, message) => {
    const { run, sim } = await makeBench({ clusters: [{ name: "runners" }, { name: "other", capacityProviders: ["asg"] }] });
    await expect(run(input)).rejects.toMatchObject({
      name: "InvalidParameterException",
      $fault: "client",
      message: expect.stringMatching(message),
    });
    expect(sim.violations).toEqual([expect.objectContaining({ operation: "RunTask", message: expect.stringMatching(message) })]);
    expect(sim.report().launched).toBe(0);
  });

  const accepted: readonly (readonly [string, Partial<RunTaskCommandInput>])[] = [
    ["10 tasks", { count: 10 }],
    ["a token of 64 characters", { clientToken: "~".repeat(64) }],
    ["startedBy of 128 characters", { startedBy: "aA0-_/".repeat(21).padEnd(128, "x") }],
    ["50 tags", { tags: many(50, "k").map((key) => ({ key, value: "v".repeat(256) })) }],
    ["overrides of 8,192 characters", { overrides: environmentOf(8192 - JSON.stringify(environmentOf(0)).length) }],
    ["a valid size", { overrides: { cpu: "2048", memory: "16384" } }],
    ["a lone provider without weight", { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }] }],
    ["a launch type alone", { capacityProviderStrategy: [], launchType: "FARGATE" }],
  ];

  it.each(accepted)("accept %s", async (_what, input) => {
    const { run, sim } = await makeBench();
    expect((await run(input)).tasks).toHaveLength(input.count ?? 1);
    expect(sim.violations).toEqual([]);
  });

  it("refuse a mix of Fargate and Auto Scaling group providers", async () => {
    const { run } = await makeBench({ clusters: [{ name: "runners", capacityProviders: ["FARGATE", "asg"] }] });
    await expect(run(strategy("FARGATE", "asg"))).rejects.toThrow(/mix of capacity providers/);
  });

  it("refuse a network configuration where the definition has no awsvpc, and Fargate for it", async () => {
    const { run, client } = await makeBench();
    const bridge = {
      family: "bridge",
      networkMode: "bridge",
      containerDefinitions: [{ name: "runner", image: "x", memory: 128 }],
    } satisfies RegisterTaskDefinitionCommandInput;
    await client.send(new RegisterTaskDefinitionCommand(bridge));
    const onEc2: Partial<RunTaskCommandInput> = { taskDefinition: "bridge", capacityProviderStrategy: [], launchType: "EC2" };
    await expect(run(onEc2)).rejects.toThrow(/not valid for the given networkMode/);
    await expect(run({ taskDefinition: "bridge", networkConfiguration: undefined })).rejects.toThrow(
      /does not support launch_type FARGATE/,
    );
    expect((await run({ ...onEc2, networkConfiguration: undefined })).tasks?.[0]?.launchType).toBe("EC2");
  });

  describe("for a capacity provider of one's own", () => {
    const own = {
      clusters: [{ name: "runners", capacityProviders: ["FARGATE", "asg"] }, { name: "other" }],
      capacityProviders: [
        { name: "asg", type: "EC2_AUTOSCALING", waits: true },
        { name: "managed", type: "MANAGED_INSTANCES" },
        { name: "leaving", type: "MANAGED_INSTANCES", status: "DEPROVISIONING" },
        { name: "elsewhere", type: "MANAGED_INSTANCES", cluster: "other" },
      ],
    } as const;
    const everywhere = {
      ...fargateDefinition,
      family: "everywhere",
      requiresCompatibilities: ["FARGATE", "EC2", "MANAGED_INSTANCES"],
    } satisfies RegisterTaskDefinitionCommandInput;
    const bench = async () => {
      const { client, run, sim, describe: read } = await makeBench(own);
      await client.send(new RegisterTaskDefinitionCommand(everywhere));
      const on = (name: string, input: Partial<RunTaskCommandInput> = {}) =>
        run({ taskDefinition: "everywhere", ...strategy(name), ...input });
      return { on, sim, read };
    };

    it("one definition runs on every kind of capacity", async () => {
      const { on, sim } = await bench();
      const types = [];
      for (const name of ["FARGATE", "asg", "managed"]) types.push((await on(name)).tasks?.[0]?.launchType);
      expect(types).toEqual(["FARGATE", "EC2", "MANAGED_INSTANCES"]);
      expect(sim.violations).toEqual([]);
    });

    it("tasks wait in PROVISIONING until an instance joins", async () => {
      const { client, run, sim, describe: read } = await makeBench({ ...own, timings: 1 });
      await client.send(new RegisterTaskDefinitionCommand(everywhere));
      const { tasks } = await run({ taskDefinition: "everywhere", ...strategy("asg") });
      const arn = tasks?.[0]?.taskArn ?? "";
      expect((await read(arn)).lastStatus).toBe("PROVISIONING");
      sim.capacity.release("asg");
      await expect.poll(async () => (await read(arn)).lastStatus).toBe("RUNNING");
    });

    it.each([
      ["a public address", "asg", { networkConfiguration: publicNetwork() }, /Assign public IP is not supported/],
      ["a public address", "managed", { networkConfiguration: publicNetwork() }, /Assign public IP is not supported/],
      ["a disk of its own", "asg", { overrides: { ephemeralStorage: { sizeInGiB: 30 } } }, /Fargate only/],
      ["Managed Instances that leave", "leaving", {}, /not in an ACTIVE/],
      ["Managed Instances of another cluster", "elsewhere", {}, /not associated with the cluster/],
      [
        "Managed Instances with a definition not made for them",
        "managed",
        { taskDefinition: "runner" },
        /does not support launch_type/,
      ],
    ] as const)("refuse %s: %s", async (_what, name, input, message) => {
      const { on } = await bench();
      await expect(on(name, input)).rejects.toMatchObject({
        name: "InvalidParameterException",
        message: expect.stringMatching(message),
      });
    });

    it("refuse a mix of Auto Scaling groups and Managed Instances", async () => {
      const { on } = await bench();
      await expect(on("asg", strategy("asg", "managed"))).rejects.toThrow(/mix of capacity providers/);
    });
  });

  it("name an unknown platform version by its own exception", async () => {
    const { run } = await makeBench();
    await expect(run({ platformVersion: "9.9.9" })).rejects.toMatchObject({ name: "PlatformUnknownException" });
    await expect(run({ platformVersion: "1.3.0", overrides: { ephemeralStorage: { sizeInGiB: 30 } } })).rejects.toMatchObject({
      name: "PlatformTaskDefinitionIncompatibilityException",
    });
  });
});

describe("the wire protocol", () => {
  it("answers a request that does not fit the model as AWS does, and remembers it", async () => {
    const { sim } = await makeBench();
    const missing = await raw(sim, "RunTask", {});
    expect([missing.status, await missing.json()]).toEqual([
      400,
      { __type: "InvalidParameterException", message: "taskDefinition: missing" },
    ]);
    const mistyped = await raw(sim, "StopTask", { task: 7 });
    expect([mistyped.status, await mistyped.json()]).toMatchObject([400, { __type: "SerializationException" }]);
    const broken = await raw(sim, "StopTask", "{");
    expect(await broken.json()).toMatchObject({ __type: "SerializationException" });
    expect(sim.violations.map(({ kind, operation }) => `${kind} ${operation}`)).toEqual([
      "schema RunTask",
      "schema StopTask",
      "schema StopTask",
    ]);
  });

  it("refuses operations that ECS has not, and says which ones the simulator has not", async () => {
    const { sim } = await makeBench();
    expect(await (await raw(sim, "RunTasks", {})).json()).toMatchObject({
      __type: "UnknownOperationException",
      message: "ECS has no operation RunTasks.",
    });
    expect(await (await raw(sim, "ListClusters", {})).json()).toMatchObject({
      message: "The simulator does not do ListClusters.",
    });
    expect(sim.violations.map((violation) => violation.kind)).toEqual(["schema", "unsupported"]);
  });

  it("checks its own answers against the model too", async () => {
    const { sim, run } = await makeBench();
    sim.faults.add({ kind: "failures", failures: [{ reason: "AGENT", hint: "no such member" } as Failure] });
    await run();
    sim.faults.add({ kind: "exception", type: "ConflictException", fields: { resourceIds: "not a list" } });
    await expect(run()).rejects.toMatchObject({ name: "ConflictException" });
    expect(sim.violations.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      "reply: failures[0].hint: unknown member of Failure",
      "reply: resourceIds: expected a list, got a string",
    ]);
  });

  it("wants a signature for its region", async () => {
    const { sim } = await makeBench({ region: "ap-northeast-1" });
    expect(await (await raw(sim, "ListTasks", {}, { authorization: "" })).json()).toMatchObject({
      __type: "MissingAuthenticationTokenException",
    });
    const other = "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
    expect(await (await raw(sim, "ListTasks", {}, { authorization: other })).json()).toMatchObject({
      __type: "InvalidSignatureException",
    });
    expect((await raw(sim, "ListTasks", {})).status).toBe(200);
  });
});

describe("RegisterTaskDefinition's limits", () => {
  const container = { name: "runner", image: "ghcr.io/acme/runner:1" };
  const fargate = (change: Partial<RegisterTaskDefinitionCommandInput>) => ({ ...fargateDefinition, ...change });
  const fargateContainer = (change: object) => fargate({ containerDefinitions: [{ ...container, ...change }] });
  const refused: readonly (readonly [string, RegisterTaskDefinitionCommandInput, RegExp])[] = [
    ["a family with a colon", fargate({ family: "a:b" }), /Family/],
    ["no container", fargate({ containerDefinitions: [] }), /1 to 10 container/],
    ["two containers of one name", fargate({ containerDefinitions: [container, container] }), /unique/],
    ["no essential container", fargateContainer({ essential: false }), /essential/],
    ["a container without an image", fargate({ containerDefinitions: [{ name: "runner" }] }), /image/],
    ["no memory anywhere", { family: "f", containerDefinitions: [container] }, /'memory' or 'memoryReservation'/],
    ["a size that Fargate has not", fargate({ cpu: "1024", memory: "1024" }), /No Fargate configuration/],
    ["bridge on Fargate", fargate({ networkMode: "bridge" }), /only supports network mode 'awsvpc'/],
    ["privileged on Fargate", fargateContainer({ privileged: true }), /privileged/],
    ["a GPU on Fargate", fargateContainer({ resourceRequirements: [{ type: "GPU", value: "1" }] }), /GPU/],
    [
      "an added capability on Fargate",
      fargateContainer({ linuxParameters: { capabilities: { add: ["NET_ADMIN"] } } }),
      /SYS_PTRACE/,
    ],
    ["a host path on Fargate", fargate({ volumes: [{ name: "v", host: { sourcePath: "/x" } }] }), /sourcePath/],
    ["a stopTimeout over two minutes on Fargate", fargateContainer({ stopTimeout: 121 }), /at most 120/],
    [
      "awslogs without an execution role",
      fargateContainer({ logConfiguration: { logDriver: "awslogs", options: { "awslogs-stream-prefix": "p" } } }),
      /execution role/,
    ],
    [
      "awslogs without a stream prefix",
      fargateContainer({ logConfiguration: { logDriver: "awslogs", options: {} } }),
      /awslogs-stream-prefix/,
    ],
    ["another log driver", fargateContainer({ logConfiguration: { logDriver: "syslog" } }), /log driver syslog/],
    ["secrets without an execution role", fargateContainer({ secrets: [{ name: "S", valueFrom: "arn" }] }), /execution role/],
    [
      "a secret that is a variable too",
      fargateContainer({ secrets: [{ name: "S", valueFrom: "arn" }], environment: [{ name: "S", value: "1" }] }),
      /unique/,
    ],
    [
      "a mount without its volume",
      fargateContainer({ mountPoints: [{ sourceVolume: "v", containerPath: "/v" }] }),
      /Unknown volume/,
    ],
    ["two volumes of one name", fargate({ volumes: [{ name: "v" }, { name: "v" }] }), /unique/],
    ["a volume with a slash in its name", fargate({ volumes: [{ name: "/v" }] }), /Volume names/],
    ["a Docker volume on Fargate", fargate({ volumes: [{ name: "v", dockerVolumeConfiguration: {} }] }), /dockerVolume/],
    [
      "two volumes at one path",
      fargate({
        volumes: [{ name: "v" }, { name: "w" }],
        containerDefinitions: [
          {
            ...container,
            mountPoints: ["v", "w"].map((sourceVolume) => ({ sourceVolume, containerPath: "/v" })),
          },
        ],
      }),
      /Duplicate mount point/,
    ],
    [
      "bridge on Managed Instances",
      fargate({ requiresCompatibilities: ["MANAGED_INSTANCES"], networkMode: "bridge" }),
      /awsvpc, host and none/,
    ],
    [
      "private ECR on Managed Instances without a role",
      fargate({
        requiresCompatibilities: ["MANAGED_INSTANCES"],
        containerDefinitions: [{ ...container, image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/r:1" }],
      }),
      /execution role/,
    ],
    ["64 KiB", fargateContainer({ dockerLabels: { big: "x".repeat(65_536) } }), /64 KiB/],
  ];

  it.each(refused)("refuse %s", async (_what, input, message) => {
    const { client, sim } = await makeBench();
    await expect(client.send(new RegisterTaskDefinitionCommand(input))).rejects.toMatchObject({
      name: "ClientException",
      message: expect.stringMatching(message),
    });
    expect(sim.violations).toHaveLength(1);
  });
});

describe("fargateSizeProblem", () => {
  it.each([
    ["256", "512"],
    ["512", "4096"],
    ["1024", "8192"],
    ["2048", "16384"],
    ["4096", "30720"],
    ["8192", "61440"],
    ["16384", "122880"],
    ["1 vCPU", "2 GB"],
    [".25 vCPU", "0.5GB"],
  ])("knows %s with %s", (cpu, memory) => {
    expect(fargateSizeProblem(cpu, memory)).toBeUndefined();
  });

  it.each([
    ["256", "3072"],
    ["512", "5120"],
    ["1024", "1024"],
    ["8192", "17408"],
    ["16384", "36864"],
    ["300", "1024"],
    ["1024", undefined],
    [undefined, "2048"],
    ["one", "2048"],
  ])("refuses %s with %s", (cpu, memory) => {
    expect(fargateSizeProblem(cpu, memory)).toMatch(/^No Fargate configuration exists/);
  });
});
