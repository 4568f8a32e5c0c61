import type { ContainerDefinition, TaskDefinition } from "@aws-sdk/client-ecs";
import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { definitionProblems } from "./brought-definition.ts";
import { classSpec } from "./testing.ts";

const fargate = { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] };
const own = { name: "own", providers: [{ name: "asg", weight: 1 }] };
const managed = { name: "managed", type: "ManagedInstances" as const, providers: [{ name: "mi", weight: 1 }] };
const network = { subnets: ["subnet-1"], assignPublicIp: false };

function spec(overrides: Partial<ECSRunnerClassSpec> = {}): ECSRunnerClassSpec {
  return classSpec({ capacity: [fargate], network, taskDefinition: "team", ...overrides });
}

function brought(overrides: Partial<TaskDefinition> = {}, container: Partial<ContainerDefinition> = {}): TaskDefinition {
  return {
    family: "team",
    revision: 7,
    status: "ACTIVE",
    networkMode: "awsvpc",
    compatibilities: ["EC2", "FARGATE"],
    containerDefinitions: [{ name: "runner", essential: true, image: "ghcr.io/acme/runner:1", ...container }],
    ...overrides,
  };
}

const everywhere: Partial<TaskDefinition> = { compatibilities: ["EC2", "FARGATE", "MANAGED_INSTANCES"] };
const bridge: Partial<TaskDefinition> = { networkMode: "bridge", compatibilities: ["EC2"] };
const logs = { logConfiguration: { logDriver: "awslogs" as const, options: {} } };
const withoutNetwork = (capacity: ECSRunnerClassSpec["capacity"]): ECSRunnerClassSpec => {
  const { network: _, ...rest } = spec({ capacity });
  return rest;
};

test.each([
  ["Fargate", brought(), spec()],
  ["every kind of capacity", brought(everywhere), spec({ capacity: [fargate, own, managed] })],
  ["bridge on instances of one's own", brought(bridge), withoutNetwork([own])],
  ["ECS' default network mode there", brought({ ...bridge, networkMode: undefined }), withoutNetwork([own])],
  ["a privileged container outside Fargate", brought(everywhere, { privileged: true }), spec({ capacity: [own, managed] })],
  ["the whole memory", brought({}, { memory: 2048 }), spec()],
  ["logs by the role of the instance", brought({}, logs), spec({ capacity: [own] })],
  ["secrets with a role", brought({ executionRoleArn: "arn" }, { secrets: [{ name: "A", valueFrom: "x" }] }), spec()],
] as const)("a definition fits: %s", (_title, definition, of) => {
  expect(definitionProblems(definition, of)).toEqual([]);
});

test.each([
  [
    "no such container",
    brought({ containerDefinitions: [{ name: "main" }, { name: "proxy" }] }),
    spec(),
    /no container "runner": set container\.name to one of main, proxy/,
  ],
  ["not essential", brought({}, { essential: false }), spec(), /not essential.*make it essential/],
  ["a container with too much memory", brought({}, { memory: 4096 }), spec(), /4096 MiB.*2048 MiB: give it more/],
  [
    "containers with too much memory together",
    brought({ containerDefinitions: ["runner", "proxy"].map((name) => ({ name, memoryReservation: 1536 })) }),
    spec(),
    /3072 MiB.*2048 MiB/,
  ],
  ["awsvpc without network", brought(), withoutNetwork([fargate]), /set network\.subnets/],
  ["bridge with network", brought(bridge), spec({ capacity: [own] }), /bridge.*remove network/],
  ["no network at all", brought({ networkMode: "none" }), withoutNetwork([own]), /talks to GitHub: use awsvpc/],
  ["not for Fargate", brought({ compatibilities: ["EC2"] }), spec(), /FARGATE, which rung spot needs.*requiresCompatibilities/],
  [
    "not for instances",
    brought({ compatibilities: ["FARGATE"] }),
    spec({ capacity: [fargate, own] }),
    /compatible with EC2, which rung own needs/,
  ],
  ["not for Managed Instances", brought(), spec({ capacity: [managed] }), /MANAGED_INSTANCES, which rung managed needs/],
  ["privileged on Fargate", brought({}, { privileged: true }), spec(), /privileged, which Fargate \(rung spot\).*drop/],
  [
    "secrets",
    brought({}, { secrets: [{ name: "A", valueFrom: "x" }] }),
    spec({ capacity: [own] }),
    /executionRoleArn for secrets/,
  ],
  ["awslogs", brought({}, logs), spec(), /executionRoleArn for the log driver awslogs/],
  [
    "private ECR and an environment file",
    brought(everywhere, {
      image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/r:1",
      environmentFiles: [{ type: "s3", value: "x" }],
    }),
    spec({ capacity: [managed] }),
    /executionRoleArn for environment files, an image in private ECR/,
  ],
  [
    "S3 delivery with as many files as ECS takes",
    brought(
      { executionRoleArn: "arn" },
      { environmentFiles: Array.from({ length: 10 }, () => ({ type: "s3" as const, value: "x" })) },
    ),
    spec({ jitConfigDelivery: { type: "S3", s3: { bucket: "jit", prefix: "x/" } } }),
    /10 environment files.*remove one/,
  ],
  [
    "S3 delivery with the runner's variable",
    brought({ executionRoleArn: "arn" }, { secrets: [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", valueFrom: "x" }] }),
    spec({ jitConfigDelivery: { type: "S3", s3: { bucket: "jit", prefix: "x/" } } }),
    /would win over/,
  ],
  [
    "S3 delivery",
    brought(),
    spec({ jitConfigDelivery: { type: "S3", s3: { bucket: "jit", prefix: "x/" } } }),
    /executionRoleArn for jitConfigDelivery\.type S3/,
  ],
] as const)("a definition does not fit: %s", (_title, definition, of, problem) => {
  const problems = definitionProblems(definition, of);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
});

test("all that is wrong is said at once", () => {
  const wrong = brought({ networkMode: "bridge", compatibilities: ["EC2"] }, { essential: false, memory: 9_000 });
  const problems = definitionProblems(wrong, spec({ capacity: [fargate, managed] }));
  expect(
    problems.map((problem) => /essential|takes no network|do not have|FARGATE|MANAGED_INSTANCES|MiB/.exec(problem)?.[0]),
  ).toEqual(["essential", "takes no network", "do not have", "FARGATE", "MANAGED_INSTANCES", "MiB"]);
});
