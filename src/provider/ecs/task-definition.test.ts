import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { definitionProblems, isSameDefinition, registeredDefinition } from "./task-definition.ts";

type ImageSpec = ECSRunnerClassSpec & { readonly image: string };

function spec(overrides: Partial<ImageSpec> = {}): ImageSpec {
  return {
    region: "us-east-1",
    cluster: "runners",
    capacity: [{ name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] }],
    network: { subnets: ["subnet-1"], assignPublicIp: false },
    image: "ghcr.io/acme/runner:1",
    resources: { cpu: 1, memory: "2Gi" },
    images: [],
    sizes: [],
    securityGroupSets: [],
    jitConfigDelivery: { type: "Environment" },
    platform: { os: "linux", arch: "x64" },
    container: {
      name: "runner",
      command: ["./run.sh"],
      environment: [],
      secrets: [],
      stopTimeout: "120s",
      privileged: false,
      volumes: [],
    },
    ...overrides,
  };
}

const container = (overrides: Partial<ECSRunnerClassSpec["container"]>) => ({ container: { ...spec().container, ...overrides } });
const executionRoleArn = "arn:aws:iam::123456789012:role/exec";

test("a plain class becomes a Fargate definition that starts the runner", () => {
  const { input, family, hash } = registeredDefinition(spec());
  expect(input).toEqual({
    family,
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "1024",
    memory: "2048",
    runtimePlatform: { operatingSystemFamily: "LINUX", cpuArchitecture: "X86_64" },
    containerDefinitions: [
      {
        name: "runner",
        image: "ghcr.io/acme/runner:1",
        essential: true,
        command: ["./run.sh"],
        environment: [
          { name: "ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE", value: "1" },
          { name: "RUNNER_MANUALLY_TRAP_SIG", value: "1" },
        ],
        stopTimeout: 120,
      },
    ],
  });
  expect(hash).toMatch(/^[0-9a-f]{16}$/);
  expect(family).toBe(`getabako-${hash}`);
});

test("roles, logs, secrets and variables of the class are in it, sorted", () => {
  const { input } = registeredDefinition(
    spec({
      executionRoleArn,
      taskRoleArn: "arn:aws:iam::123456789012:role/task",
      platform: { os: "linux", arch: "arm64" },
      ...container({
        environment: [
          { name: "Z", value: "z" },
          { name: "A", value: "a" },
        ],
        secrets: [{ name: "TOKEN", valueFrom: "arn:aws:secretsmanager:us-east-1:123456789012:secret:x" }],
        stopTimeout: "1m30s",
        logs: { group: "/ci/runners", streamPrefix: "runner" },
      }),
    }),
  );
  expect(input).toMatchObject({
    executionRoleArn,
    taskRoleArn: "arn:aws:iam::123456789012:role/task",
    runtimePlatform: { cpuArchitecture: "ARM64" },
  });
  expect(input.containerDefinitions?.[0]).toMatchObject({
    stopTimeout: 90,
    secrets: [{ name: "TOKEN" }],
    logConfiguration: {
      logDriver: "awslogs",
      options: { "awslogs-group": "/ci/runners", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "runner" },
    },
  });
  expect(input.containerDefinitions?.[0]?.environment?.map(({ name }) => name)).toEqual([
    "A",
    "ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE",
    "RUNNER_MANUALLY_TRAP_SIG",
    "Z",
  ]);
});

test("a class may set the runner's own variables, also as secrets", () => {
  const value = (of: Partial<ImageSpec>) =>
    registeredDefinition(spec(of)).input.containerDefinitions?.[0]?.environment?.find(
      ({ name }) => name === "RUNNER_MANUALLY_TRAP_SIG",
    );
  expect(value(container({ environment: [{ name: "RUNNER_MANUALLY_TRAP_SIG", value: "" }] }))?.value).toBe("");
  expect(value(container({ secrets: [{ name: "RUNNER_MANUALLY_TRAP_SIG", valueFrom: "x" }] }))).toBeUndefined();
});

test.each([
  ["size", { resources: { cpu: 4, memory: "16Gi" } }],
  ["cluster", { cluster: "other" }],
  ["network", { network: { subnets: ["subnet-9"], assignPublicIp: true } }],
  ["tags", { tags: { a: "b" } }],
  ["order of variables", container({ environment: [] })],
])("a class that differs in its %s shares the definition", (_what, overrides) => {
  expect(registeredDefinition(spec(overrides)).hash).toBe(registeredDefinition(spec()).hash);
});

test.each([
  ["image", { image: "ghcr.io/acme/runner:2" }],
  ["platform", { platform: { os: "linux", arch: "arm64" } }],
  ["execution role", { executionRoleArn }],
  ["command", container({ command: ["./other.sh"] })],
  ["variables", container({ environment: [{ name: "A", value: "a" }] })],
  ["stop time", container({ stopTimeout: "30s" })],
  ["capacity", { capacity: [{ name: "own", providers: [{ name: "asg", weight: 1 }] }] }],
] satisfies [string, Partial<ImageSpec>][])("a class that differs in its %s has another definition", (_what, overrides) => {
  expect(registeredDefinition(spec(overrides)).hash).not.toBe(registeredDefinition(spec()).hash);
});

test("a ladder over Fargate and instances is validated for both", () => {
  const capacity = [...spec().capacity, { name: "own", providers: [{ name: "asg", weight: 1 }] }];
  expect(registeredDefinition(spec({ capacity })).input.requiresCompatibilities).toEqual(["FARGATE", "EC2"]);
});

test("a definition is found again by what decides who runs what, whatever ECS filled in", () => {
  const wanted = registeredDefinition(spec({ executionRoleArn }));
  const [wantedContainer] = wanted.input.containerDefinitions ?? [];
  const found: TaskDefinition = {
    ...(wanted.input as TaskDefinition),
    status: "ACTIVE",
    volumes: [],
    containerDefinitions: [{ ...wantedContainer, cpu: 0, mountPoints: [] }],
  };
  expect(isSameDefinition(found, wanted)).toBe(true);
  const others: Partial<TaskDefinition>[] = [
    { status: "INACTIVE" },
    { executionRoleArn: undefined },
    { taskRoleArn: "arn:aws:iam::123456789012:role/admin" },
    { containerDefinitions: [{ ...wantedContainer, image: "evil" }] },
    { containerDefinitions: [{ ...wantedContainer, command: ["sh"] }] },
    { containerDefinitions: [{ ...wantedContainer }, { name: "another", image: "x" }] },
    { containerDefinitions: [] },
  ];
  expect(others.filter((other) => isSameDefinition({ ...found, ...other } as TaskDefinition, wanted))).toEqual([]);
});

test("a definition brought by the user that fits has no problems", () => {
  expect(definitionProblems(brought(), spec())).toEqual([]);
});

test.each([
  [
    "no such container",
    brought({ containerDefinitions: [{ name: "main" }, { name: "proxy" }] }),
    {},
    /no container "runner".*main, proxy/,
  ],
  ["not essential", brought({ containerDefinitions: [{ name: "runner", essential: false }] }), {}, /not essential/],
  ["too much memory", brought({ containerDefinitions: [{ name: "runner", memory: 4096 }] }), {}, /4096 MiB.*2048 MiB/],
  ["awsvpc without network", brought(), { network: undefined }, /set network\.subnets/],
  ["bridge with network", brought({ networkMode: "bridge", compatibilities: ["EC2"] }), { capacity: own() }, /bridge.*remove it/],
  ["not for Fargate", brought({ compatibilities: ["EC2"] }), {}, /not compatible with Fargate, which rung spot needs/],
] as const)("a definition brought by the user: %s", (_title, definition, overrides, problem) => {
  const problems = definitionProblems(definition, { ...spec(), ...overrides } as ECSRunnerClassSpec);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
  expect(problems[0]).toContain("team:7");
});

function own(): ECSRunnerClassSpec["capacity"] {
  return [{ name: "own", providers: [{ name: "asg", weight: 1 }] }];
}

function brought(overrides: Partial<TaskDefinition> = {}): TaskDefinition {
  return {
    family: "team",
    revision: 7,
    networkMode: "awsvpc",
    compatibilities: ["EC2", "FARGATE"],
    containerDefinitions: [{ name: "runner", essential: true }],
    ...overrides,
  };
}
