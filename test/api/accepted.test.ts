import { beforeAll, describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { apiServer } from "./api-server.ts";
import { type Edits, type KindName, manifest } from "./manifests.ts";

const cluster = testCluster();
const server = apiServer(cluster);
let namespace: string;
beforeAll(async () => {
  namespace = await cluster.namespace("api");
});

describe("the API server accepts", () => {
  // Both ends of each row of Fargate's table, and one size in between.
  const fargate: readonly (readonly [cpu: number, memory: readonly string[]])[] = [
    [0.25, ["512Mi", "1Gi", "2Gi", "1024Mi"]],
    [0.5, ["1Gi", "2Gi", "4Gi"]],
    [1, ["2Gi", "5Gi", "8Gi"]],
    [2, ["4Gi", "9Gi", "16Gi"]],
    [4, ["8Gi", "19Gi", "30Gi"]],
    [8, ["16Gi", "20Gi", "60Gi"]],
    [16, ["32Gi", "40Gi", "120Gi"]],
  ];
  it.each(fargate.flatMap(([cpu, sizes]) => sizes.map((memory) => [cpu, memory] as const)))(
    "Fargate's size of %s vCPU and %s",
    async (cpu, memory) => {
      const answer = await server.create(manifest("ECSRunnerClass", namespace, { "spec.resources": { cpu, memory } }));
      expect(answer.message).toBe("");
      expect(answer.status).toBe(201);
    },
  );

  const ec2 = [{ name: "ec2", providers: [{ name: "my-instances" }] }];
  const role = "arn:aws:iam::123456789012:role/getabako-execution";
  const variants: readonly (readonly [title: string, kind: KindName, edits: Edits])[] = [
    [
      "a GitHub Enterprise Server",
      "GitHubApp",
      { "spec.url": "https://ghes.acme.example:8443", "spec.apiUrl": "https://api.acme.example/x" },
    ],
    [
      "a server without TLS on a port",
      "GitHubApp",
      { "spec.url": "http://127.0.0.1:8080", "spec.apiUrl": "http://127.0.0.1:8080" },
    ],
    [
      "two keys of one Secret for webhooks",
      "GitHubApp",
      {
        "spec.webhookSecretRefs": [
          { name: "app", key: "old" },
          { name: "app", key: "new" },
        ],
      },
    ],
    [
      "an App for other namespaces",
      "GitHubApp",
      { "spec.access": [{ namespaces: ["web", "api"], repositories: ["acme/web*"] }] },
    ],
    ["any size on own capacity", "ECSRunnerClass", { "spec.capacity": ec2, "spec.resources": { cpu: 3, memory: "5Gi" } }],
    [
      "Fargate behind own capacity",
      "ECSRunnerClass",
      { "spec.capacity": [...ec2, { name: "f", providers: [{ name: "FARGATE" }] }] },
    ],
    [
      "Spot and on demand by weight in one rung",
      "ECSRunnerClass",
      {
        "spec.capacity": [
          {
            name: "both",
            providers: [
              { name: "FARGATE_SPOT", weight: 3 },
              { name: "FARGATE", weight: 0 },
            ],
          },
        ],
      },
    ],
    [
      "a ladder over every kind of capacity",
      "ECSRunnerClass",
      {
        "spec.capacity": [
          { name: "fargate", type: "Fargate", providers: [{ name: "FARGATE" }] },
          { name: "group", type: "AutoScalingGroup", providers: [{ name: "mine" }] },
          { name: "managed", type: "ManagedInstances", providers: [{ name: "theirs" }] },
        ],
      },
    ],
    ...["AutoScalingGroup", "ManagedInstances"].map(
      (type) =>
        [
          `a Docker daemon on ${type}`,
          "ECSRunnerClass",
          { "spec.capacity": [{ ...ec2[0], type }], "spec.container": { privileged: true, volumes: ["/var/lib/docker"] } },
        ] as const,
    ),
    ["volumes on Fargate", "ECSRunnerClass", { "spec.container": { volumes: ["/tmp", "/home/runner/_work"] } }],
    [
      "images, sizes and sets of security groups",
      "ECSRunnerClass",
      {
        "spec.images": [{ name: "node-22", image: "ghcr.io/acme/node:22" }],
        "spec.sizes": [{ name: "large", cpu: 4, memory: "16Gi", disk: "100Gi" }],
        "spec.securityGroupSets": [{ name: "db", securityGroups: ["sg-1"] }],
      },
    ],
    [
      "delivery through S3",
      "ECSRunnerClass",
      {
        "spec.executionRoleArn": role,
        "spec.jitConfigDelivery": { type: "S3", s3: { bucket: "jit-configs" } },
      },
    ],
    ["a task definition instead of an image", "ECSRunnerClass", { "spec.image": undefined, "spec.taskDefinition": "runner:3" }],
    [
      "a task definition without network of its own",
      "ECSRunnerClass",
      { "spec.image": undefined, "spec.taskDefinition": "runner", "spec.network": undefined, "spec.capacity": ec2 },
    ],
    ["a large disk", "ECSRunnerClass", { "spec.resources": { cpu: 4, memory: "16Gi", disk: "200Gi" } }],
    ["a stop timeout in minutes", "ECSRunnerClass", { "spec.container.stopTimeout": "2m" }],
    ["a long stop timeout on own capacity", "ECSRunnerClass", { "spec.capacity": ec2, "spec.container.stopTimeout": "10m" }],
    [
      "logs, variables and secrets",
      "ECSRunnerClass",
      {
        "spec.executionRoleArn": role,
        "spec.container": {
          logs: { group: "/getabako/runners" },
          environment: [{ name: "A", value: "1" }],
          secrets: [{ name: "B", valueFrom: "arn:aws:ssm:eu-west-1:123456789012:parameter/b" }],
        },
      },
    ],
    [
      "the most tags",
      "ECSRunnerClass",
      { "spec.tags": Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`tag ${index}`, ""])) },
    ],
    ["a repository", "RunnerTarget", { "spec.scope": { repository: "acme/web.site_1" } }],
    ["a runner group of an organization", "RunnerTarget", { "spec.runnerGroup": "Large runners" }],
    [
      "an App and a class of another namespace",
      "RunnerTarget",
      { "spec.githubAppRef.namespace": "ci", "spec.classRef.namespace": "ci" },
    ],
    [
      "compound durations",
      "RunnerTarget",
      { "spec.timeouts": { job: "1h30m" }, "spec.history": { succeeded: "0s", failed: "7d" } },
    ],
    ["a target that launches nothing", "RunnerTarget", { "spec.maxRunners": 0 }],
    ["a name of 63 characters", "RunnerTarget", { "metadata.name": "t".repeat(63) }],
    ["a name of 57 characters", "RunnerRequest", { "metadata.name": `job-${"1".repeat(53)}` }],
    ["a job that is over already", "RunnerRequest", { "spec.job.state": "Completed" }],
  ];
  it.each(variants)("%s", async (_title, kind, edits) => {
    const answer = await server.create(manifest(kind, namespace, edits));
    expect(answer.message).toBe("");
    expect(answer.status).toBe(201);
  });
});

describe("the API server fills in the defaults of", () => {
  it("a GitHubApp", async () => {
    const { object } = await server.create(manifest("GitHubApp", namespace));
    expect(object.spec).toEqual({
      url: "https://github.com",
      appId: 1,
      privateKeySecretRef: { name: "app", key: "key.pem" },
      webhookSecretRefs: [{ name: "app", key: "webhook" }],
    });
  });

  it("an ECSRunnerClass", async () => {
    const { object } = await server.create(manifest("ECSRunnerClass", namespace));
    expect(object.spec).toEqual({
      region: "ap-northeast-1",
      cluster: "runners",
      capacity: [
        { name: "spot", providers: [{ name: "FARGATE_SPOT", weight: 1 }] },
        { name: "on-demand", providers: [{ name: "FARGATE", weight: 1 }] },
      ],
      network: { subnets: ["subnet-0a"], assignPublicIp: false },
      image: "ghcr.io/acme/runner:1",
      images: [],
      resources: { cpu: 1, memory: "2Gi" },
      sizes: [],
      securityGroupSets: [],
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
      jitConfigDelivery: { type: "Environment" },
    });
  });

  it("a RunnerTarget", async () => {
    const { object } = await server.create(manifest("RunnerTarget", namespace));
    expect(object.spec).toEqual({
      githubAppRef: { name: "acme" },
      scope: { organization: "acme" },
      runnerGroup: "Default",
      repositories: { exclude: [], allowPublic: false },
      labels: ["self-hosted", "fargate"],
      match: "Subset",
      priority: 0,
      classRef: { kind: "ECSRunnerClass", name: "fargate" },
      maxRunners: 20,
      timeouts: { launch: "10m", registration: "5m", idle: "10m", job: "6h" },
      attempts: 5,
      history: { succeeded: "1h", failed: "24h" },
      paused: false,
    });
  });

  it("a RunnerRequest", async () => {
    const { object } = await server.create(manifest("RunnerRequest", namespace));
    expect(object.spec).toMatchObject({ source: "Manual", job: { state: "Queued" } });
  });

  it("what is missing in a half-filled object", async () => {
    const edits = { "spec.timeouts": { job: "1h" }, "spec.repositories": { allowPublic: true } };
    const { object } = await server.create(manifest("RunnerTarget", namespace, edits));
    expect(object.spec).toMatchObject({
      timeouts: { launch: "10m", registration: "5m", idle: "10m", job: "1h" },
      repositories: { exclude: [], allowPublic: true },
    });
  });
});
