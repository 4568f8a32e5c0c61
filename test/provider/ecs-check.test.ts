import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import { ecsBench, type EcsBenchOptions } from "./ecs-bench.ts";
import { unaborted } from "./launches.ts";

const signal = unaborted();

test("a good class has no findings, and its status names the definition that runners are started from", async () => {
  const { sim, provider, cls, launch } = await ecsBench();
  const result = await provider.check(cls, signal);
  expect(result.findings).toEqual([]);
  const { instance } = await provider.create(launch(), signal);
  const { arn } = sim.task(instance.id).definition;
  expect(result.status).toEqual({
    taskDefinitions: [{ image: cls.spec.image, arn, hash: expect.stringMatching(/^[0-9a-f]{16}$/) }],
  });
});

test("checks repeated every few minutes are two calls each", async () => {
  const { sim, provider, cls } = await ecsBench();
  await provider.check(cls, signal);
  sim.calls.clear();
  await provider.check(cls, signal);
  expect(Object.keys(sim.calls.outcomes())).toEqual(["DescribeClusters", "ListTasks"]);
});

const own: ECSRunnerClassSpec["capacity"] = [{ name: "own", providers: [{ name: "asg", weight: 1 }] }];
const network = { subnets: ["subnet-1", "subnet-2"], assignPublicIp: true };
const wrong: readonly (readonly [string, EcsBenchOptions, string, RegExp])[] = [
  [
    "an unknown cluster",
    { spec: { cluster: "nobody" } },
    "ClusterNotFound",
    /cluster nobody does not exist in us-east-1: create it/,
  ],
  ["an inactive cluster", { clusters: [{ name: "runners", status: "INACTIVE" }] }, "ClusterNotFound", /create it/],
  [
    "a capacity provider that is not associated",
    { clusters: [{ name: "runners", capacityProviders: ["FARGATE"] }] },
    "CapacityProviderMissing",
    /rung spot names capacity provider FARGATE_SPOT.*put-cluster-capacity-providers/,
  ],
  ["a malformed image", { spec: { image: "ghcr.io/Acme/Runner" } }, "ImageInvalid", /small letters: acme\/runner/],
  [
    "a private ECR image without a role",
    { violates: true, spec: { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/r:1" } },
    "ExecutionRoleMissing",
    /executionRoleArn/,
  ],
  [
    "a definition that is not there",
    { spec: { image: undefined as never, taskDefinition: "nobody" } },
    "TaskDefinitionNotFound",
    /nobody does not exist/,
  ],
  [
    "a public address without Fargate",
    { clusters: [{ name: "runners", capacityProviders: ["asg"] }], spec: { capacity: own, network } },
    "NetworkInvalid",
    /NAT/,
  ],
];

test.each(wrong)("%s is a finding that says what to do", async (_title, options, reason, message) => {
  const { provider, cls } = await ecsBench(options);
  const { findings } = await provider.check(cls, signal);
  const found = findings.find((finding) => finding.reason === reason);
  expect(found).toMatchObject({ severity: "Error" });
  expect(found?.message).toMatch(message);
  expect(found?.message.length).toBeLessThanOrEqual(300);
});

test("a single subnet is a warning", async () => {
  const { provider, cls } = await ecsBench({ spec: { network: { subnets: ["subnet-1"], assignPublicIp: false } } });
  expect((await provider.check(cls, signal)).findings).toMatchObject([{ severity: "Warning", reason: "SingleSubnet" }]);
});

test.each([
  ["DescribeClusters", "AccessDeniedException", "Unauthorized"],
  ["DescribeClusters", "ExpiredTokenException", "Unauthorized"],
  ["ListTasks", "AccessDeniedException", "Unauthorized"],
  ["DescribeTaskDefinition", "AccessDeniedException", "Unauthorized"],
  ["RegisterTaskDefinition", "AccessDeniedException", "Unauthorized"],
  ["RegisterTaskDefinition", "ClientException", "TaskDefinitionInvalid"],
])("%s answered with %s is the finding %s", async (operation, type, reason) => {
  const { sim, provider, cls } = await ecsBench();
  sim.faults.add({ kind: "exception", type }, { operation });
  expect((await provider.check(cls, signal)).findings).toMatchObject([{ severity: "Error", reason }]);
});

test.each([
  ["DescribeClusters", { kind: "cut" }, "Unavailable"],
  ["ListTasks", { kind: "cut" }, "Unavailable"],
  ["DescribeClusters", { kind: "exception", type: "ThrottlingException" }, "Throttled"],
  ["RegisterTaskDefinition", { kind: "exception", type: "ServerException", status: 500 }, "Unavailable"],
] as const)("%s that fails in passing (%j) is thrown, so that the last known state holds", async (operation, outcome, code) => {
  const { sim, provider, cls } = await ecsBench();
  sim.faults.add(outcome, { operation });
  await expect(provider.check(cls, signal)).rejects.toMatchObject({ name: "ProviderError", code });
});

test("an image that cannot be right is not registered", async () => {
  const { sim, provider, cls } = await ecsBench({ spec: { image: "https://ghcr.io/acme/runner" } });
  await provider.check(cls, signal);
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(0);
});
