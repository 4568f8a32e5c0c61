import { beforeAll, describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { apiServer } from "./api-server.ts";
import { type Edits, type KindName, manifest } from "./manifests.ts";

/** What is wrong in words, the edits that make a good object wrong so, and what the API server must answer. */
type Row = readonly [title: string, edits: Edits, message: string];

const repeated = (count: number): string[] => Array.from({ length: count }, (_, index) => `label-${index}`);

const githubApp: readonly Row[] = [
  ["no App id", { "spec.appId": undefined }, "spec.appId: Required value"],
  ["App id 0", { "spec.appId": 0 }, "spec.appId: Invalid value: 0: spec.appId in body should be greater than or equal to 1"],
  [
    "an App id in quotes",
    { "spec.appId": "1" },
    'spec.appId: Invalid value: "string": spec.appId in body must be of type integer',
  ],
  [
    "a host without a scheme",
    { "spec.url": "github.com" },
    'spec.url: Invalid value: "github.com": spec.url in body should match',
  ],
  [
    "an API address as url",
    { "spec.url": "https://ghes.acme.example/api/v3" },
    "url is the bare address of the host; put a path into apiUrl",
  ],
  ["an API address of another scheme", { "spec.apiUrl": "ftp://ghes.acme.example" }, "spec.apiUrl in body should match"],
  ["no private key", { "spec.privateKeySecretRef": undefined }, "spec.privateKeySecretRef: Required value"],
  ["a Secret without a key", { "spec.privateKeySecretRef": { name: "app" } }, "spec.privateKeySecretRef.key: Required value"],
  ["a Secret name in capitals", { "spec.privateKeySecretRef.name": "App" }, "spec.privateKeySecretRef.name in body should match"],
  [
    "a Secret in another namespace",
    { "spec.privateKeySecretRef.namespace": "x" },
    'unknown field "spec.privateKeySecretRef.namespace"',
  ],
  ["no webhook secret", { "spec.webhookSecretRefs": [] }, "spec.webhookSecretRefs in body should have at least 1 items"],
  [
    "five webhook secrets",
    { "spec.webhookSecretRefs": ["a", "b", "c", "d", "e"].map((key) => ({ name: "app", key })) },
    "spec.webhookSecretRefs: Too many: 5: must have at most 4 items",
  ],
  [
    "one webhook secret twice",
    {
      "spec.webhookSecretRefs": [
        { name: "app", key: "a" },
        { name: "app", key: "a" },
      ],
    },
    "webhookSecretRefs names the same Secret key twice",
  ],
  ["access for nobody", { "spec.access": [] }, "spec.access in body should have at least 1 items"],
  [
    "access for one namespace twice",
    { "spec.access": [{ namespaces: ["a", "a"] }] },
    'spec.access[0].namespaces[1]: Duplicate value: "a"',
  ],
  [
    "access to a repository without its owner",
    { "spec.access": [{ namespaces: ["a"], repositories: ["web"] }] },
    "spec.access[0].repositories[0] in body should match",
  ],
  [
    "an unknown field",
    { "spec.webhookSecretRef": { name: "app", key: "a" } },
    'strict decoding error: unknown field "spec.webhookSecretRef"',
  ],
  ["no spec", { spec: undefined }, "spec: Required value"],
];

const fargate = (cpu: number, memory: string): Edits => ({ "spec.resources": { cpu, memory } });
const ec2 = [{ name: "ec2", providers: [{ name: "my-instances" }] }];
const managed = [{ name: "managed", type: "ManagedInstances", providers: [{ name: "mine" }] }];
const ofTaskDefinition = "with taskDefinition image, volumes and privileges are those of the task definition";
const brought: Edits = { "spec.image": undefined, "spec.taskDefinition": "runner" };

const ecsRunnerClass: readonly Row[] = [
  ["a city as region", { "spec.region": "tokyo" }, 'spec.region: Invalid value: "tokyo": spec.region in body should match'],
  ["no cluster", { "spec.cluster": undefined }, "spec.cluster: Required value"],
  ["an ARN as cluster", { "spec.cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/a" }, "spec.cluster in body should match"],
  ["an endpoint with a path", { "spec.endpoint": "https://ecs.acme.example/x" }, "spec.endpoint in body should match"],
  ["no capacity", { "spec.capacity": [] }, "spec.capacity in body should have at least 1 items"],
  ["two rungs of one name", { "spec.capacity.1.name": "spot" }, 'spec.capacity[1]: Duplicate value: {"name":"spot"}'],
  [
    "a rung without providers",
    { "spec.capacity.0.providers": [] },
    "spec.capacity[0].providers in body should have at least 1 items",
  ],
  [
    "one provider twice in a rung",
    { "spec.capacity.0.providers": [{ name: "FARGATE" }, { name: "FARGATE" }] },
    'spec.capacity[0].providers[1]: Duplicate value: {"name":"FARGATE"}',
  ],
  [
    "Fargate and other capacity in one rung",
    { "spec.capacity.0.providers": [{ name: "FARGATE" }, { name: "my-instances" }] },
    "one rung cannot mix Fargate with other capacity providers: ECS refuses such a strategy; make two rungs",
  ],
  [
    "a rung of weight 0",
    { "spec.capacity.0.providers": [{ name: "FARGATE", weight: 0 }] },
    "at least one provider of a rung needs a weight above 0",
  ],
  [
    "Fargate's providers under another type",
    { "spec.capacity.0.type": "ManagedInstances" },
    "type Fargate is for the providers FARGATE and FARGATE_SPOT, and they have no other type",
  ],
  [
    "type Fargate for other providers",
    { "spec.capacity": [{ ...ec2[0], type: "Fargate" }] },
    "type Fargate is for the providers FARGATE and FARGATE_SPOT",
  ],
  [
    "capacity that ECS does not run itself",
    { "spec.capacity.0.type": "External" },
    'spec.capacity[0].type: Unsupported value: "External": supported values: "Fargate", "AutoScalingGroup", "ManagedInstances"',
  ],
  [
    "a privileged container on Fargate",
    { "spec.container": { privileged: true } },
    "Fargate runs no privileged containers: give the ladder only rungs of Auto Scaling groups or Managed Instances",
  ],
  [
    "a privileged container where one rung is Fargate",
    {
      "spec.capacity": [...managed, { name: "fargate", providers: [{ name: "FARGATE" }] }],
      "spec.container": { privileged: true },
    },
    "Fargate runs no privileged containers",
  ],
  ["a volume at a relative path", { "spec.container": { volumes: ["tmp"] } }, "spec.container.volumes[0] in body should match"],
  [
    "a volume with a trailing slash",
    { "spec.container": { volumes: ["/tmp/"] } },
    "spec.container.volumes[0] in body should match",
  ],
  [
    "a volume at the root",
    { "spec.container": { volumes: ["/"] } },
    "spec.container.volumes[0] in body should be at least 2 chars",
  ],
  ["one volume twice", { "spec.container": { volumes: ["/a", "/a"] } }, 'spec.container.volumes[1]: Duplicate value: "/a"'],
  [
    "nine volumes",
    { "spec.container": { volumes: repeated(9).map((name) => `/${name}`) } },
    "spec.container.volumes: Too many: 9: must have at most 8 items",
  ],
  ["images beside a task definition", { ...brought, "spec.images": [{ name: "node", image: "x" }] }, ofTaskDefinition],
  ["volumes beside a task definition", { ...brought, "spec.container": { volumes: ["/tmp"] } }, ofTaskDefinition],
  [
    "privileges beside a task definition",
    { ...brought, "spec.capacity": ec2, "spec.container": { privileged: true } },
    ofTaskDefinition,
  ],
  ["an image's name in capitals", { "spec.images": [{ name: "Node", image: "x" }] }, "spec.images[0].name in body should match"],
  [
    "two images of one name",
    { "spec.images": ["a", "b"].map((image) => ({ name: "node", image })) },
    'spec.images[1]: Duplicate value: {"name":"node"}',
  ],
  [
    "a size that Fargate does not run",
    {
      "spec.sizes": [
        { name: "small", cpu: 1, memory: "2Gi" },
        { name: "odd", cpu: 4, memory: "4Gi" },
      ],
    },
    "every one of sizes must be a pair of cpu and memory that Fargate runs",
  ],
  [
    "a size with a disk outside Fargate",
    { "spec.capacity": ec2, "spec.sizes": [{ name: "a", cpu: 1, memory: "2Gi", disk: "50Gi" }] },
    "the disk of a size is Fargate's ephemeral storage",
  ],
  [
    "a size with a disk that is too small",
    { "spec.sizes": [{ name: "a", cpu: 1, memory: "2Gi", disk: "20Gi" }] },
    "the disk of a size is Fargate's ephemeral storage, 21Gi to 200Gi",
  ],
  [
    "sets of security groups without a network",
    { ...brought, "spec.network": undefined, "spec.securityGroupSets": [{ name: "db", securityGroups: ["sg-1"] }] },
    "securityGroupSets need network",
  ],
  [
    "an empty set of security groups",
    { "spec.securityGroupSets": [{ name: "db", securityGroups: [] }] },
    "spec.securityGroupSets[0].securityGroups in body should have at least 1 items",
  ],
  [
    "S3 delivery without its bucket",
    { "spec.executionRoleArn": "arn:aws:iam::123456789012:role/x", "spec.jitConfigDelivery": { type: "S3" } },
    "s3 is required with type S3, and goes with no other",
  ],
  [
    "a bucket without S3 delivery",
    { "spec.jitConfigDelivery": { s3: { bucket: "jit-configs" } } },
    "s3 is required with type S3, and goes with no other",
  ],
  [
    "S3 delivery without an execution role",
    { "spec.jitConfigDelivery": { type: "S3", s3: { bucket: "jit-configs" } } },
    "executionRoleArn is required with jitConfigDelivery.type S3: ECS reads the object with it",
  ],
  ["no subnet", { "spec.network.subnets": [] }, "spec.network.subnets in body should have at least 1 items"],
  [
    "one subnet twice",
    { "spec.network.subnets": ["subnet-0a", "subnet-0a"] },
    'spec.network.subnets[1]: Duplicate value: "subnet-0a"',
  ],
  [
    "a security group's name",
    { "spec.network.securityGroups": ["default"] },
    "spec.network.securityGroups[0] in body should match",
  ],
  ["no image", { "spec.image": undefined }, "set exactly one of image and taskDefinition"],
  ["image and task definition", { "spec.taskDefinition": "runner:3" }, "set exactly one of image and taskDefinition"],
  [
    "an image without network",
    { "spec.network": undefined },
    "network is required with image: runners get an address of their own (awsvpc)",
  ],
  [
    "roles beside a task definition",
    { "spec.image": undefined, "spec.taskDefinition": "runner", "spec.taskRoleArn": "arn:aws:iam::123456789012:role/x" },
    "with taskDefinition the roles are those of the task definition",
  ],
  [
    "secrets beside a task definition",
    { "spec.image": undefined, "spec.taskDefinition": "runner", "spec.container.secrets": [{ name: "A", valueFrom: "arn" }] },
    "with taskDefinition logs and secrets are those of the task definition",
  ],
  ["Fargate cpu 3", fargate(3, "8Gi"), "Fargate has no size with this cpu: take one of 0.25, 0.5, 1, 2, 4, 8, 16"],
  ["Fargate cpu 0.25 with 4Gi", fargate(0.25, "4Gi"), "Fargate runs cpu 0.25 with memory of 512Mi, 1Gi or 2Gi, not 4Gi"],
  [
    "Fargate cpu 0.5 with 512Mi",
    fargate(0.5, "512Mi"),
    "Fargate runs cpu 0.5 with memory of 1Gi to 4Gi in steps of 1Gi, not 512Mi",
  ],
  ["Fargate cpu 1 with 9Gi", fargate(1, "9Gi"), "Fargate runs cpu 1 with memory of 2Gi to 8Gi in steps of 1Gi, not 9Gi"],
  ["Fargate cpu 1 with 2000M", fargate(1, "2000M"), "in steps of 1Gi, not 2000M"],
  ["Fargate cpu 2 with 17Gi", fargate(2, "17Gi"), "Fargate runs cpu 2 with memory of 4Gi to 16Gi in steps of 1Gi, not 17Gi"],
  ["Fargate cpu 2 with 4.5Gi", fargate(2, "4.5Gi"), "in steps of 1Gi, not 4.5Gi"],
  ["Fargate cpu 2 with memory of a fraction of a byte", fargate(2, "4.3Gi"), "in steps of 1Gi, not 4.3Gi"],
  ["Fargate cpu 4 with 31Gi", fargate(4, "31Gi"), "Fargate runs cpu 4 with memory of 8Gi to 30Gi in steps of 1Gi, not 31Gi"],
  ["Fargate cpu 8 with 18Gi", fargate(8, "18Gi"), "Fargate runs cpu 8 with memory of 16Gi to 60Gi in steps of 4Gi, not 18Gi"],
  [
    "Fargate cpu 16 with 128Gi",
    fargate(16, "128Gi"),
    "Fargate runs cpu 16 with memory of 32Gi to 120Gi in steps of 8Gi, not 128Gi",
  ],
  [
    "a Fargate rung behind another one",
    { "spec.capacity": [...ec2, { name: "fargate", providers: [{ name: "FARGATE" }] }], ...fargate(3, "5Gi") },
    "Fargate has no size with this cpu",
  ],
  ["memory without a unit", fargate(1, "2048"), "spec.resources.memory in body should match"],
  ["a small disk", { "spec.resources": { disk: "20Gi" } }, "resources.disk is Fargate's ephemeral storage, 21Gi to 200Gi"],
  ["a large disk", { "spec.resources": { disk: "201Gi" } }, "resources.disk is Fargate's ephemeral storage, 21Gi to 200Gi"],
  [
    "a disk outside Fargate",
    { "spec.capacity": ec2, "spec.resources": { disk: "50Gi" } },
    "resources.disk is Fargate's ephemeral storage",
  ],
  [
    "another name for x64",
    { "spec.platform.arch": "amd64" },
    'spec.platform.arch: Unsupported value: "amd64": supported values: "x64", "arm64"',
  ],
  ["Windows", { "spec.platform.os": "windows" }, 'spec.platform.os: Unsupported value: "windows": supported values: "linux"'],
  ["a role's name", { "spec.executionRoleArn": "runner" }, "spec.executionRoleArn in body should match"],
  [
    "a variable twice",
    {
      "spec.container.environment": [
        { name: "A", value: "1" },
        { name: "A", value: "2" },
      ],
    },
    'spec.container.environment[1]: Duplicate value: {"name":"A"}',
  ],
  [
    "a variable that is also a secret",
    {
      "spec.executionRoleArn": "arn:aws:iam::123456789012:role/x",
      "spec.container.environment": [{ name: "A", value: "1" }],
      "spec.container.secrets": [{ name: "A", valueFrom: "arn" }],
    },
    "a variable is in container.environment and in container.secrets; ECS refuses that",
  ],
  [
    "a variable of the runner's registration",
    { "spec.container.environment": [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: "x" }] },
    "variables that begin with ACTIONS_RUNNER_INPUT_ are getabako's",
  ],
  [
    "logs without a role",
    { "spec.container.logs": { group: "/x" } },
    "executionRoleArn is required with container.logs or container.secrets",
  ],
  [
    "an empty stop timeout",
    { "spec.container.stopTimeout": "" },
    "spec.container.stopTimeout in body should be at least 2 chars long",
  ],
  [
    "a stop timeout of 1s",
    { "spec.container.stopTimeout": "1s" },
    "container.stopTimeout is 2s or more, and 120s at most on Fargate",
  ],
  [
    "a stop timeout of 3m on Fargate",
    { "spec.container.stopTimeout": "3m" },
    "container.stopTimeout is 2s or more, and 120s at most on Fargate",
  ],
  ["a tag of AWS", { "spec.tags": { "AWS:x": "1" } }, "tags may not begin with aws: or getabako.dev/"],
  ["a tag of getabako", { "spec.tags": { "getabako.dev/uid": "1" } }, "tags may not begin with aws: or getabako.dev/"],
  ["a tag with other characters", { "spec.tags": { "a*b": "1" } }, "a tag's key has 1 to 128 characters"],
  [
    "41 tags",
    { "spec.tags": Object.fromEntries(repeated(41).map((key) => [key, "x"])) },
    "spec.tags: Too many: 41: must have at most 40 items",
  ],
];

const runnerTarget: readonly Row[] = [
  [
    "an override that nobody knows",
    { "spec.overrides": { cpus: { max: 4 } } },
    'strict decoding error: unknown field "spec.overrides.cpus"',
  ],
  ["an amount without a limit", { "spec.overrides": { cpu: {} } }, "spec.overrides.cpu.max: Required value"],
  ["a least above the most", { "spec.overrides": { cpu: { min: 4, max: 2 } } }, "min is more than max"],
  ["the same for memory", { "spec.overrides": { memory: { min: "2Gi", max: "512Mi" } } }, "min is more than max"],
  [
    "a memory without a unit",
    { "spec.overrides": { memory: { max: "16" } } },
    'spec.overrides.memory.max: Invalid value: "16": spec.overrides.memory.max in body should match',
  ],
  [
    "an image by reference",
    { "spec.overrides": { image: { allow: ["ghcr.io/acme/runner:1"] } } },
    "spec.overrides.image.allow[0] in body should match",
  ],
  ["no scope", { "spec.scope": {} }, "set exactly one of organization and repository"],
  ["two scopes", { "spec.scope.repository": "acme/web" }, "set exactly one of organization and repository"],
  ["an organization with a slash", { "spec.scope.organization": "acme/web" }, "spec.scope.organization in body should match"],
  ["a repository without its owner", { "spec.scope": { repository: "web" } }, "spec.scope.repository in body should match"],
  ["no GitHubApp", { "spec.githubAppRef": undefined }, "spec.githubAppRef: Required value"],
  [
    "a runner group for a repository",
    { "spec.scope": { repository: "acme/web" }, "spec.runnerGroup": "large" },
    "runnerGroup is for organizations: repository runners have no other group than Default",
  ],
  [
    "an empty include list",
    { "spec.repositories": { include: [] } },
    "spec.repositories.include in body should have at least 1 items",
  ],
  ["no labels", { "spec.labels": [] }, "spec.labels in body should have at least 1 items"],
  ["one label twice", { "spec.labels": ["a", "a"] }, 'spec.labels[1]: Duplicate value: "a"'],
  ["two labels in one", { "spec.labels": ["self-hosted,linux"] }, "spec.labels[0] in body should match"],
  ["33 labels", { "spec.labels": repeated(33) }, "spec.labels: Too many: 33: must have at most 32 items"],
  [
    "another way of matching",
    { "spec.match": "Any" },
    'spec.match: Unsupported value: "Any": supported values: "Subset", "Exact"',
  ],
  ["a priority beyond the range", { "spec.priority": 1001 }, "spec.priority in body should be less than or equal to 1000"],
  [
    "a class of an unknown kind",
    { "spec.classRef.kind": "PodRunnerClass" },
    'spec.classRef.kind: Unsupported value: "PodRunnerClass"',
  ],
  ["a negative limit", { "spec.maxRunners": -1 }, "spec.maxRunners in body should be greater than or equal to 0"],
  ["a deadline without a unit", { "spec.timeouts": { job: "600" } }, "spec.timeouts.job in body should match"],
  ["a deadline of nothing", { "spec.timeouts": { idle: "0s" } }, "a deadline must be longer than 0"],
  ["a history of unknown outcome", { "spec.history": { cancelled: "1h" } }, 'unknown field "spec.history.cancelled"'],
  ["no attempt", { "spec.attempts": 0 }, "spec.attempts in body should be greater than or equal to 1"],
  ["21 attempts", { "spec.attempts": 21 }, "spec.attempts in body should be less than or equal to 20"],
  ["a pause in words", { "spec.paused": "yes" }, "spec.paused in body must be of type boolean"],
  [
    "a name of 64 characters",
    { "metadata.name": "t".repeat(64) },
    "metadata.name is used as a label value and may have at most 63 characters",
  ],
];

const runnerRequest: readonly Row[] = [
  ["no target", { "spec.targetRef": undefined }, "spec.targetRef: Required value"],
  ["another source", { "spec.source": "Cron" }, 'spec.source: Unsupported value: "Cron"'],
  ["a job id as a number", { "spec.job.id": 31_415_926_535 }, "spec.job.id in body must be of type string"],
  ["a job id in words", { "spec.job.id": "first" }, "spec.job.id in body should match"],
  ["a job without labels", { "spec.job.labels": [] }, "spec.job.labels in body should have at least 1 items"],
  ["a time that is none", { "spec.job.queuedAt": "today" }, "spec.job.queuedAt in body must be of type date-time"],
  [
    "another state of the job",
    { "spec.job.state": "Waiting" },
    'spec.job.state: Unsupported value: "Waiting": supported values: "Queued", "InProgress", "Completed"',
  ],
  ["an unknown field", { "spec.job.secret": "x" }, 'unknown field "spec.job.secret"'],
  [
    "a name of 58 characters",
    { "metadata.name": "j".repeat(58) },
    "metadata.name may have at most 57 characters: the runner's name adds the attempt to it, and GitHub allows 64",
  ],
  ["a name with a dot", { "metadata.name": "job-1.2" }, "metadata.name begins with job- and may hold a-z, 0-9 and - only"],
  ["a name of another form", { "metadata.name": "mine" }, "metadata.name begins with job-"],
];

describe("the API server refuses", () => {
  const cluster = testCluster();
  const server = apiServer(cluster);
  let namespace: string;
  beforeAll(async () => {
    namespace = await cluster.namespace("api");
  });

  const tables: readonly (readonly [KindName, readonly Row[]])[] = [
    ["GitHubApp", githubApp],
    ["ECSRunnerClass", ecsRunnerClass],
    ["RunnerTarget", runnerTarget],
    ["RunnerRequest", runnerRequest],
  ];
  describe.each(tables)("a %s with", (kind, rows) => {
    it.each(rows)("%s", async (_title, edits, message) => {
      const answer = await server.create(manifest(kind, namespace, edits));
      expect(answer.message).toContain(message);
      expect([400, 422]).toContain(answer.status);
    });
  });
});
