import { z } from "zod";
import { type ApiObject, atomicList, cel, type KindDefinition, listMap, listSet } from "../kind.ts";
import { conditionsSchema, namespacesList } from "./common.ts";
import { fargateSizeRule } from "./fargate-sizes.ts";
import { ecsRunnerClassResource } from "./resources.ts";

const arn = (service: string, rest: string) =>
  z
    .string()
    .max(2048)
    .regex(new RegExp(`^arn:aws[a-z-]*:${service}:${rest}$`));
const roleArn = arn("iam", ":[0-9]{12}:role/.+");
const sizeQuantity = z
  .string()
  .max(16)
  .regex(/^[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)$/);
/** Duration of a container's stop: ECS accepts whole seconds, on Fargate 2 to 120 (aws-ecs API reference, ContainerDefinition.stopTimeout). */
const stopSeconds = z
  .string()
  .min(2)
  .max(8)
  .regex(/^([0-9]+m)?([0-9]+s)?$/);

const fargate = "self.capacity.exists(r, r.providers.exists(p, p.name in ['FARGATE', 'FARGATE_SPOT']))";
const capacityRung = z
  .object({
    name: z
      .string()
      .max(32)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe("Name of the rung, shown in RunnerRequests: spot, on-demand."),
    providers: z
      .array(
        z.object({
          name: z
            .string()
            .min(1)
            .max(255)
            .regex(/^[A-Za-z0-9_-]+$/)
            .describe("A capacity provider of the cluster: FARGATE, FARGATE_SPOT or your own."),
          weight: z
            .int()
            .min(0)
            .max(1000)
            .default(1)
            .describe("Share of the runners that it gets, relative to the others of the rung."),
          base: z
            .int()
            .min(0)
            .max(100000)
            .exactOptional()
            .describe("ECS' base; it counts within one call, so it hardly matters here."),
        }),
      )
      .min(1)
      .max(6)
      .meta(listMap("name"))
      .describe("The capacity provider strategy of the rung. ECS spreads by weight; it does not fall back from one to the next."),
  })
  .meta(
    cel(
      {
        rule: "self.providers.all(p, p.name in ['FARGATE', 'FARGATE_SPOT']) || self.providers.all(p, !(p.name in ['FARGATE', 'FARGATE_SPOT']))",
        message: "one rung cannot mix Fargate with other capacity providers: ECS refuses such a strategy; make two rungs",
      },
      {
        rule: "self.providers.exists(p, p.weight > 0)",
        message: "at least one provider of a rung needs a weight above 0: ECS refuses to place anything otherwise",
      },
    ),
  );

export const ecsRunnerClassSpecSchema = z
  .object({
    region: z
      .string()
      .max(32)
      .regex(/^[a-z]{2}(-[a-z]+)+-[0-9]$/)
      .describe("AWS Region, such as ap-northeast-1."),
    cluster: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[A-Za-z0-9_-]+$/)
      .describe("Name of the ECS cluster."),
    assumeRoleArn: roleArn.exactOptional().describe("A role to assume before every call, for clusters of other accounts."),
    endpoint: z
      .string()
      .max(253)
      .regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/)
      .exactOptional()
      .describe("Address of the ECS API, where it is not AWS' own: a VPC endpoint, an emulator."),
    capacity: z
      .array(capacityRung)
      .min(1)
      .max(5)
      .meta(listMap("name"))
      .describe("The ladder: rungs are tried in order, the next one only when the one before it has no capacity."),
    network: z
      .object({
        subnets: z
          .array(
            z
              .string()
              .max(64)
              .regex(/^subnet-[0-9a-z]+$/),
          )
          .min(1)
          .max(16)
          .meta(listSet)
          .describe("Subnets of the runners, all in one VPC; several zones give better chances of capacity."),
        securityGroups: z
          .array(
            z
              .string()
              .max(64)
              .regex(/^sg-[0-9a-z]+$/),
          )
          .min(1)
          .max(5)
          .meta(listSet)
          .exactOptional()
          .describe("Security groups of the runners; by default the VPC's default group."),
        assignPublicIp: z
          .boolean()
          .default(false)
          .describe("Whether runners get a public address; needed in public subnets without NAT."),
      })
      .exactOptional()
      .describe("Network of the runners; required unless taskDefinition names a definition that is not awsvpc."),
    image: z
      .string()
      .min(1)
      .max(512)
      .regex(/^[^\s]+$/)
      .exactOptional()
      .describe(
        "Image of the runner. It must hold the actions runner and start it with the configuration in ACTIONS_RUNNER_INPUT_JITCONFIG.",
      ),
    resources: z
      .object({
        cpu: z.number().min(0.125).max(192).default(1).describe("vCPUs of a runner: 0.25, 0.5, 1, 2, 4, 8 or 16 on Fargate."),
        memory: sizeQuantity
          .default("2Gi")
          .describe("Memory of a runner, such as 16Gi; on Fargate the pair must be one of AWS' table."),
        disk: sizeQuantity.exactOptional().describe("Ephemeral storage on Fargate, 21Gi to 200Gi; 20Gi comes for free."),
      })
      .default({ cpu: 1, memory: "2Gi" })
      .describe("Size of a runner."),
    platform: z
      .object({
        os: z.enum(["linux"]).default("linux").describe("Operating system."),
        arch: z.enum(["x64", "arm64"]).default("x64").describe("CPU architecture, in GitHub's words."),
      })
      .default({ os: "linux", arch: "x64" })
      .describe("What the image runs on."),
    container: z
      .object({
        name: z
          .string()
          .min(1)
          .max(255)
          .regex(/^[A-Za-z0-9_-]+$/)
          .default("runner")
          .describe("Name of the runner's container in the task definition."),
        command: z
          .array(z.string().min(1).max(1024))
          .min(1)
          .max(32)
          .meta(atomicList)
          .default(["./run.sh"])
          .describe("What starts the runner; the official image has no entry point of its own."),
        environment: z
          .array(
            z.object({
              name: z
                .string()
                .min(1)
                .max(255)
                .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
                .describe("Name of the variable."),
              value: z
                .string()
                .max(4096)
                .describe("Its value. Everybody who reads the task definition sees it: use secrets for secrets."),
            }),
          )
          .max(64)
          .meta(listMap("name"))
          .default([])
          .describe("Environment of the runner and of its jobs."),
        secrets: z
          .array(
            z.object({
              name: z
                .string()
                .min(1)
                .max(255)
                .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
                .describe("Name of the variable."),
              valueFrom: z
                .string()
                .min(1)
                .max(2048)
                .describe("ARN of a Secrets Manager secret or SSM parameter, read with the execution role."),
            }),
          )
          .max(64)
          .meta(listMap("name"))
          .default([])
          .describe("Environment that ECS fills from Secrets Manager or the SSM parameter store. Jobs can read it."),
        stopTimeout: stopSeconds
          .default("120s")
          .describe("Time between SIGTERM and SIGKILL, 2s to 120s on Fargate; a cancelled job needs all of it."),
        logs: z
          .object({
            group: z
              .string()
              .min(1)
              .max(512)
              .regex(/^[A-Za-z0-9_/.#-]+$/)
              .describe("CloudWatch log group; it must exist."),
            streamPrefix: z
              .string()
              .min(1)
              .max(128)
              .regex(/^[^:*]+$/)
              .default("runner")
              .describe("First part of the stream's name."),
          })
          .exactOptional()
          .describe("Where the runner's output goes; by default nowhere."),
      })
      .default({ name: "runner", command: ["./run.sh"], environment: [], secrets: [], stopTimeout: "120s" })
      .describe("The runner's container."),
    executionRoleArn: roleArn.exactOptional().describe("Role with which ECS pulls the image, reads secrets and writes logs."),
    taskRoleArn: roleArn
      .exactOptional()
      .describe("Role whose rights every job on these runners has. Leave it out unless jobs need AWS."),
    taskDefinition: z
      .string()
      .min(1)
      .max(2048)
      .regex(/^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task-definition\/)?[A-Za-z0-9_-]+(:[0-9]+)?$/)
      .exactOptional()
      .describe(
        "A task definition of your own (family, family:revision or ARN) instead of image, platform, roles and container; container.name says which container is the runner.",
      ),
    tags: z
      .record(z.string().min(1).max(128), z.string().max(256))
      .meta({ maxProperties: 40 })
      .exactOptional()
      .describe("Tags of every task, beside getabako's own."),
    access: z
      .array(z.object({ namespaces: namespacesList.describe("Namespaces whose RunnerTargets may use this class.") }))
      .min(1)
      .max(64)
      .meta(atomicList)
      .exactOptional()
      .describe(
        "Who may use the class. By default the RunnerTargets of its own namespace; once set it is the whole list, so name the own namespace too.",
      ),
  })
  .meta(
    cel(
      {
        rule: "self.region == oldSelf.region && self.cluster == oldSelf.cluster",
        message:
          "region and cluster cannot be changed, a launch that is under way could be made twice: make a new class and point the RunnerTargets to it",
      },
      { rule: "has(self.image) != has(self.taskDefinition)", message: "set exactly one of image and taskDefinition" },
      {
        rule: "!has(self.image) || has(self.network)",
        message: "network is required with image: runners get an address of their own (awsvpc)",
      },
      {
        rule: "!has(self.taskDefinition) || !(has(self.executionRoleArn) || has(self.taskRoleArn))",
        message: "with taskDefinition the roles are those of the task definition; leave executionRoleArn and taskRoleArn out",
      },
      {
        rule: "!has(self.taskDefinition) || !(has(self.container.logs) || self.container.secrets.size() > 0)",
        message:
          "with taskDefinition logs and secrets are those of the task definition; leave container.logs and container.secrets out",
      },
      fargateSizeRule(fargate, "self.resources"),
      {
        rule: `!has(self.resources.disk) || ((${fargate}) && quantity(self.resources.disk).compareTo(quantity('21Gi')) >= 0 && quantity(self.resources.disk).compareTo(quantity('200Gi')) <= 0)`,
        message: "resources.disk is Fargate's ephemeral storage, 21Gi to 200Gi; leave it out for 20Gi or for other capacity",
      },
      {
        rule: "self.container.secrets.all(s, !self.container.environment.exists(e, e.name == s.name))",
        message: "a variable is in container.environment and in container.secrets; ECS refuses that",
      },
      {
        rule: "(self.container.environment.map(e, e.name) + self.container.secrets.map(s, s.name)).all(n, !n.startsWith('ACTIONS_RUNNER_INPUT_'))",
        message: "variables that begin with ACTIONS_RUNNER_INPUT_ are getabako's: the runner takes its registration from them",
      },
      {
        rule: `duration(self.container.stopTimeout) >= duration('2s') && (!(${fargate}) || duration(self.container.stopTimeout) <= duration('120s'))`,
        message: "container.stopTimeout is 2s or more, and 120s at most on Fargate",
        fieldPath: ".container.stopTimeout",
      },
      {
        rule: "!has(self.container.logs) && self.container.secrets.size() == 0 || has(self.executionRoleArn)",
        message: "executionRoleArn is required with container.logs or container.secrets: ECS uses it to write and to read them",
      },
      {
        rule: "!has(self.tags) || self.tags.all(k, !k.lowerAscii().startsWith('aws:') && !k.startsWith('getabako.dev/'))",
        message: "tags may not begin with aws: or getabako.dev/",
      },
      {
        rule: "!has(self.tags) || self.tags.all(k, k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]{1,128}$'))",
        message: "a tag's key has 1 to 128 characters: letters, digits, spaces and _ . : / = + - @",
      },
    ),
  )
  .describe("Where and how runners run on ECS.");

export const ecsRunnerClassStatusSchema = z
  .object({
    observedGeneration: z.int().min(0).exactOptional().describe("The generation that the status speaks of."),
    taskDefinitions: z
      .array(
        z.object({
          image: z.string().max(512).describe("The image it runs."),
          arn: z.string().max(2048).describe("The revision that runners are started from."),
          hash: z.string().max(64).describe("Hash of the content it was made from."),
        }),
      )
      .max(16)
      .meta(listMap("hash"))
      .exactOptional()
      .describe("Task definitions that the operator registered for the class."),
    conditions: conditionsSchema.exactOptional(),
  })
  .describe("What the operator saw at AWS.");

export type ECSRunnerClassSpec = z.infer<typeof ecsRunnerClassSpecSchema>;
export type ECSRunnerClassStatus = z.infer<typeof ecsRunnerClassStatusSchema>;
export type ECSRunnerClass = ApiObject<ECSRunnerClassSpec, ECSRunnerClassStatus>;

export const ecsRunnerClassKind: KindDefinition = {
  kind: ecsRunnerClassResource.kind,
  plural: ecsRunnerClassResource.plural,
  singular: "ecsrunnerclass",
  shortNames: ["ecsrc"],
  description: "ECSRunnerClass says where and how the ECS provider runs runners: cluster, capacity, network, image and size.",
  spec: ecsRunnerClassSpecSchema,
  status: ecsRunnerClassStatusSchema,
  columns: [
    { name: "Region", type: "string", jsonPath: ".spec.region", description: "AWS Region.", priority: 0 },
    { name: "Cluster", type: "string", jsonPath: ".spec.cluster", description: "ECS cluster.", priority: 0 },
    {
      name: "Ready",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: "Whether runners can be started.",
      priority: 0,
    },
    {
      name: "Reason",
      type: "string",
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: "Why, or why not.",
      priority: 0,
    },
    { name: "Image", type: "string", jsonPath: ".spec.image", description: "Image of the runner.", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation.", priority: 0 },
  ],
};
