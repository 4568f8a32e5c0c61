import { expect, test } from "vitest";
import type { ECSRunnerClassSpec } from "../../src/api/v1alpha1/ecs-runner-class.ts";
import { registeredDefinition } from "../../src/provider/ecs/task-definition.ts";
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

const ownClass = (
  rung: Partial<ECSRunnerClassSpec["capacity"][number]>,
  capacityProviders: EcsBenchOptions["capacityProviders"],
): EcsBenchOptions => ({
  clusters: [{ name: "runners", capacityProviders: ["FARGATE", "asg"] }],
  ...(capacityProviders !== undefined && { capacityProviders }),
  spec: {
    capacity: [
      { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] },
      { name: "own", providers: [{ name: "asg", weight: 1 }], ...rung },
    ],
  },
});
const managedRung: Partial<ECSRunnerClassSpec["capacity"][number]> = {
  type: "ManagedInstances",
  providers: [{ name: "mi", weight: 1 }],
};

test.each([
  ["an Auto Scaling group", ownClass({}, undefined)],
  ["Managed Instances", ownClass(managedRung, [{ name: "mi", type: "MANAGED_INSTANCES" }])],
])("a ladder with %s besides Fargate has no findings, and one definition", async (_what, options) => {
  const { sim, provider, cls } = await ecsBench(options);
  const { findings, status } = await provider.check(cls, signal);
  expect(findings).toEqual([]);
  expect(status?.["taskDefinitions"]).toHaveLength(1);
  expect(sim.calls.count("DescribeCapacityProviders")).toBe(1);
});

test.each([
  [
    "one that is being deleted",
    ownClass({}, [{ name: "asg", type: "EC2_AUTOSCALING", status: "DEPROVISIONING" }]),
    "CapacityProviderInvalid",
    /asg of rung own is DEPROVISIONING: wait/,
  ],
  [
    "Managed Instances that nobody calls so",
    ownClass({ providers: [{ name: "mi", weight: 1 }] }, [{ name: "mi", type: "MANAGED_INSTANCES" }]),
    "CapacityProviderInvalid",
    /set type: ManagedInstances on the rung/,
  ],
  [
    "an Auto Scaling group that is called Managed Instances",
    ownClass({ type: "ManagedInstances" }, undefined),
    "CapacityProviderInvalid",
    /set type: AutoScalingGroup on the rung/,
  ],
  [
    "Managed Instances of another cluster",
    ownClass(managedRung, [{ name: "mi", type: "MANAGED_INSTANCES", cluster: "other" }]),
    "CapacityProviderMissing",
    /mi, which is not associated with cluster runners/,
  ],
])("a capacity provider of one's own: %s", async (_what, options, reason, message) => {
  const { provider, cls } = await ecsBench(options);
  const { findings } = await provider.check(cls, signal);
  expect(findings).toMatchObject([{ severity: "Error", reason, message: expect.stringMatching(message) }]);
});

test("without the right to look at capacity providers the class is Ready all the same, with a warning that names it", async () => {
  const { sim, provider, cls } = await ecsBench(ownClass(managedRung, [{ name: "mi", type: "MANAGED_INSTANCES" }]));
  sim.faults.add({ kind: "exception", type: "AccessDeniedException" }, { operation: "DescribeCapacityProviders" });
  expect((await provider.check(cls, signal)).findings).toMatchObject([
    { severity: "Warning", reason: "RightMissing", message: expect.stringContaining("ecs:DescribeCapacityProviders") },
  ]);
});

test("a public address on a ladder that is not all Fargate is a warning, and ECS is not asked for it elsewhere", async () => {
  const options = ownClass({}, undefined);
  const { sim, provider, cls, launch } = await ecsBench({ ...options, spec: { ...options.spec, network } });
  expect((await provider.check(cls, signal)).findings).toMatchObject([
    { severity: "Warning", reason: "NetworkInvalid", message: expect.stringContaining("rung own get no public address") },
  ]);
  sim.capacity.refuse("FARGATE");
  const { instance } = await provider.create(launch(), signal);
  expect(sim.task(instance.id).launchType).toBe("EC2");
});

test("every image of the class has a definition before a job needs it", async () => {
  const images = [
    { name: "node", image: "ghcr.io/acme/node:22" },
    { name: "same", image: "ghcr.io/acme/runner:2.336.0" },
  ];
  const { sim, provider, cls, launch } = await ecsBench({ spec: { images } });
  const { findings, status } = await provider.check(cls, signal);
  expect(findings).toEqual([]);
  expect(status?.["taskDefinitions"]).toMatchObject([{ image: cls.spec.image }, { image: "ghcr.io/acme/node:22" }]);
  const { instance } = await provider.create(launch({ overrides: { image: "node" } }), signal);
  expect(sim.task(instance.id).containers[0]?.image).toBe("ghcr.io/acme/node:22");
  expect(sim.calls.count("RegisterTaskDefinition")).toBe(2);
});

test.each([
  ["malformed", "ghcr.io/Acme/Node", "ImageInvalid", /image=node: ghcr.io\/Acme\/Node cannot be right/],
  ["in private ECR", "123456789012.dkr.ecr.us-east-1.amazonaws.com/r:1", "ExecutionRoleMissing", /image=node:.*executionRoleArn/],
])("one of images that is %s is a warning: the other jobs run", async (_what, image, reason, message) => {
  const { provider, cls, launch } = await ecsBench({ violates: true, spec: { images: [{ name: "node", image }] } });
  const { findings } = await provider.check(cls, signal);
  expect(findings.filter(({ severity }) => severity === "Error")).toEqual([]);
  expect(findings).toContainEqual({ severity: "Warning", reason, message: expect.stringMatching(message) });
  await expect(provider.create(launch(), signal)).resolves.toBeDefined();
});

test("one of images that ECS refuses is a warning with ECS' words, one that it is too busy for is nothing", async () => {
  const images = ["node", "go"].map((name) => ({ name, image: `ghcr.io/acme/${name}:1` }));
  const { sim, provider, cls, clock } = await ecsBench({ spec: { images } });
  const of = (image: string) => ({
    operation: "RegisterTaskDefinition",
    when: ({ request }: { readonly request: object }) => JSON.stringify(request).includes(image),
  });
  sim.faults.add({ kind: "exception", type: "ClientException", message: "no such thing" }, of("node"));
  sim.faults.add({ kind: "exception", type: "ThrottlingException" }, of("go"));
  const { findings, status } = await provider.check(cls, signal);
  expect(findings).toMatchObject([
    {
      severity: "Warning",
      reason: "TaskDefinitionInvalid",
      message: expect.stringMatching(/image=node cannot be used.*no such/),
    },
  ]);
  expect(status?.["taskDefinitions"]).toMatchObject([{ image: cls.spec.image }]);
  // ECS had asked for fewer calls.
  clock.advance(60_000);
  const again = await provider.check(cls, signal);
  expect(again.findings).toEqual([]);
  expect(again.status?.["taskDefinitions"]).toHaveLength(3);
});

test("when ECS has no time for one of images, the others wait for the next check, and none loses its definition", async () => {
  const images = ["node", "go", "rust"].map((name) => ({ name, image: `ghcr.io/acme/${name}:1` }));
  const { sim, provider, cls, restarted } = await ecsBench({ spec: { images } });
  const { status } = await provider.check(cls, signal);
  const before = sim.calls.count("DescribeTaskDefinition");
  const own = registeredDefinition({ ...cls.spec, image: cls.spec.image ?? "" }).family;
  const ofImages = ({ request }: { readonly request: object }) => !JSON.stringify(request).includes(own);
  sim.faults.add(
    { kind: "exception", type: "ServerException", status: 500 },
    { operation: "DescribeTaskDefinition", times: 3, when: ofImages },
  );
  const again = await restarted().check({ ...cls, status: { ...status } }, signal);
  expect(again.findings).toEqual([]);
  expect(again.status).toEqual(status);
  expect(sim.calls.count("DescribeTaskDefinition")).toBe(before + 2);
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
