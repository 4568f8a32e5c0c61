import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { isSameDefinition, registeredDefinition } from "./task-definition.ts";
import { classSpec } from "./testing.ts";

type ImageSpec = ECSRunnerClassSpec & { readonly image: string };

function spec(overrides: Partial<ImageSpec> = {}): ImageSpec {
  return classSpec({ image: "ghcr.io/acme/runner:1", ...overrides });
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
  ["volumes", container({ volumes: ["/tmp"] })],
  ["privileges", container({ privileged: true })],
] satisfies [string, Partial<ImageSpec>][])("a class that differs in its %s has another definition", (_what, overrides) => {
  expect(registeredDefinition(spec(overrides)).hash).not.toBe(registeredDefinition(spec()).hash);
});

const own = { name: "own", providers: [{ name: "asg", weight: 1 }] };
const managed = { name: "managed", type: "ManagedInstances" as const, providers: [{ name: "mi", weight: 1 }] };

test.each([
  [
    ["FARGATE", "EC2"],
    [...spec().capacity, own],
  ],
  [["EC2"], [own]],
  [["MANAGED_INSTANCES"], [managed]],
  [
    ["FARGATE", "EC2", "MANAGED_INSTANCES"],
    [managed, own, ...spec().capacity, own],
  ],
] as const)("one definition is validated for %j, every kind of capacity of the ladder", (kinds, capacity) => {
  const { input } = registeredDefinition(spec({ capacity: [...capacity] }));
  expect(input.requiresCompatibilities).toEqual(kinds);
  expect(input.networkMode).toBe("awsvpc");
});

const dind = (volumes = ["/var/lib/docker", "/tmp"]) => spec({ capacity: [own], ...container({ privileged: true, volumes }) });

test("a privileged class with volumes has an empty one at each path", () => {
  const { input } = registeredDefinition(dind());
  expect(input.containerDefinitions?.[0]).toMatchObject({
    privileged: true,
    mountPoints: [
      { sourceVolume: expect.stringMatching(/^tmp-[0-9a-f]{8}$/), containerPath: "/tmp", readOnly: false },
      { sourceVolume: expect.stringMatching(/^var-lib-docker-[0-9a-f]{8}$/), containerPath: "/var/lib/docker", readOnly: false },
    ],
  });
  expect(input.volumes).toEqual(
    input.containerDefinitions?.[0]?.mountPoints?.map(({ sourceVolume }) => ({ name: sourceVolume })),
  );
});

test("the order in which volumes are written changes nothing, their paths do", () => {
  expect(registeredDefinition(dind(["/tmp", "/var/lib/docker"])).hash).toBe(registeredDefinition(dind()).hash);
  expect(registeredDefinition(dind(["/tmp"])).hash).not.toBe(registeredDefinition(dind()).hash);
});

test("paths that read alike have volumes of their own, with names that ECS takes", () => {
  const paths = ["/a/b", "/a-b", "/a.b", `/${"long/".repeat(50)}x`, "/.cache"];
  const names = registeredDefinition(dind(paths)).input.volumes?.map(({ name }) => name ?? "") ?? [];
  expect(new Set(names).size).toBe(paths.length);
  expect(names.filter((name) => !/^[A-Za-z0-9_-]{1,255}$/.test(name))).toEqual([]);
});

/** The definition as ECS describes it, with its own defaults filled in. */
function described(wanted: ReturnType<typeof registeredDefinition>): TaskDefinition {
  const [wantedContainer] = wanted.input.containerDefinitions ?? [];
  return {
    ...(wanted.input as TaskDefinition),
    status: "ACTIVE",
    compatibilities: ["EC2", ...(wanted.input.requiresCompatibilities ?? [])],
    volumes: (wanted.input.volumes ?? []).map((volume) => ({ ...volume, host: {} })),
    containerDefinitions: [{ cpu: 0, mountPoints: [], portMappings: [], entryPoint: [], ...wantedContainer }],
  };
}

test("a definition is found again by what decides who runs what, whatever ECS filled in", () => {
  const wanted = registeredDefinition(spec({ executionRoleArn }));
  const found = described(wanted);
  const [wantedContainer] = found.containerDefinitions ?? [];
  expect(isSameDefinition(found, wanted)).toBe(true);
  const others: Partial<TaskDefinition>[] = [
    { status: "INACTIVE" },
    { executionRoleArn: undefined },
    { taskRoleArn: "arn:aws:iam::123456789012:role/admin" },
    { compatibilities: ["EC2"], requiresCompatibilities: [] },
    { volumes: [{ name: "host", host: { sourcePath: "/" } }] },
    { containerDefinitions: [{ ...wantedContainer, image: "evil" }] },
    { containerDefinitions: [{ ...wantedContainer, command: ["sh"] }] },
    { containerDefinitions: [{ ...wantedContainer, entryPoint: ["sh"] }] },
    { containerDefinitions: [{ ...wantedContainer, privileged: true }] },
    { containerDefinitions: [{ ...wantedContainer, mountPoints: [{ sourceVolume: "host", containerPath: "/host" }] }] },
    { containerDefinitions: [{ ...wantedContainer }, { name: "another", image: "x" }] },
    { containerDefinitions: [] },
  ];
  expect(others.filter((other) => isSameDefinition({ ...found, ...other } as TaskDefinition, wanted))).toEqual([]);
});

test("volumes and privileges are found again, and nothing else in their place", () => {
  const wanted = registeredDefinition(dind());
  const found = described(wanted);
  const [first, ...rest] = found.volumes ?? [];
  const [wantedContainer] = found.containerDefinitions ?? [];
  expect(isSameDefinition({ ...found, volumes: [...rest, ...(first === undefined ? [] : [first])] }, wanted)).toBe(true);
  const others: Partial<TaskDefinition>[] = [
    { volumes: rest },
    { volumes: [{ ...first, host: { sourcePath: "/var/run" } }, ...rest] },
    { volumes: [{ ...first, dockerVolumeConfiguration: { scope: "shared" } }, ...rest] },
    { volumes: [{ ...first, efsVolumeConfiguration: { fileSystemId: "fs-1" } }, ...rest] },
    { containerDefinitions: [{ ...wantedContainer, privileged: false }] },
    { containerDefinitions: [{ ...wantedContainer, mountPoints: [] }] },
  ];
  expect(others.filter((other) => isSameDefinition({ ...found, ...other } as TaskDefinition, wanted))).toEqual([]);
});
