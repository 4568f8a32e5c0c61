import { z } from "zod";
import { type ApiObject, atomicList, cel, type KindDefinition, listMap, listSet } from "../kind.ts";
import { conditionsSchema, namespacesList, timestamp } from "./common.ts";
import { fargateSizeRule, isFargateSize } from "./fargate-sizes.ts";
import { className, sizeQuantity } from "./overrides.ts";
import { ecsRunnerClassResource } from "./resources.ts";

const arn = (service: string, rest: string) =>
  z
    .string()
    .max(2048)
    .regex(new RegExp(`^arn:aws[a-z-]*:${service}:${rest}$`));
const roleArn = arn("iam", ":[0-9]{12}:role/.+");
const securityGroups = z
  .array(
    z
      .string()
      .max(64)
      .regex(/^sg-[0-9a-z]+$/),
  )
  .min(1)
  .max(5)
  .meta(listSet);
const imageReference = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s]+$/);
const vcpus = z.number().min(0.125).max(192);
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
    type: z
      .enum(["Fargate", "AutoScalingGroup", "ManagedInstances"])
      .exactOptional()
      .describe(
        "What the capacity providers are: by default Fargate for FARGATE and FARGATE_SPOT, AutoScalingGroup for your own. Name ManagedInstances for those.",
      ),
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
      {
        rule: "!has(self.type) || (self.type == 'Fargate') == self.providers.exists(p, p.name in ['FARGATE', 'FARGATE_SPOT'])",
        message: "type Fargate is for the providers FARGATE and FARGATE_SPOT, and they have no other type",
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
        securityGroups: securityGroups
          .exactOptional()
          .describe("Security groups of the runners; by default the VPC's default group."),
        assignPublicIp: z
          .boolean()
          .default(false)
          .describe("Whether runners get a public address; needed in public subnets without NAT."),
      })
      .exactOptional()
      .describe("Network of the runners; required unless taskDefinition names a definition that is not awsvpc."),
    securityGroupSets: z
      .array(
        z.object({
          name: className.describe("Name for securityGroup=NAME."),
          securityGroups: securityGroups.describe("The security groups, instead of those of network."),
        }),
      )
      .max(16)
      .meta(listMap("name"))
      .default([])
      .describe("Sets of security groups that workflows may choose by label, as far as the RunnerTarget lets them."),
    image: imageReference
      .exactOptional()
      .describe(
        "Image of the runner. It must hold the actions runner and start it with the configuration in ACTIONS_RUNNER_INPUT_JITCONFIG.",
      ),
    images: z
      .array(
        z.object({
          name: className.describe("Name for image=NAME."),
          image: imageReference.describe("The image."),
        }),
      )
      .max(16)
      .meta(listMap("name"))
      .default([])
      .describe(
        "Further images that workflows may choose by label, as far as the RunnerTarget lets them; each as image demands.",
      ),
    resources: z
      .object({
        cpu: vcpus.default(1).describe("vCPUs of a runner: 0.25, 0.5, 1, 2, 4, 8 or 16 on Fargate."),
        memory: sizeQuantity
          .default("2Gi")
          .describe("Memory of a runner, such as 16Gi; on Fargate the pair must be one of AWS' table."),
        disk: sizeQuantity.exactOptional().describe("Ephemeral storage on Fargate, 21Gi to 200Gi; 20Gi comes for free."),
      })
      .default({ cpu: 1, memory: "2Gi" })
      .describe("Size of a runner whose job asks for nothing else."),
    sizes: z
      .array(
        z.object({
          name: className.describe("Name for size=NAME."),
          cpu: vcpus.describe("vCPUs."),
          memory: sizeQuantity.describe("Memory."),
          disk: sizeQuantity.exactOptional().describe("Ephemeral storage on Fargate."),
        }),
      )
      .max(16)
      .meta(listMap("name"))
      .default([])
      .describe("Sizes that workflows may choose by label, as far as the RunnerTarget lets them."),
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
        privileged: z
          .boolean()
          .default(false)
          .describe(
            "Whether the container is privileged, as a Docker daemon in it needs. Jobs then own the machine; Fargate has no such containers.",
          ),
        volumes: z
          .array(
            z
              .string()
              .min(2)
              .max(255)
              .regex(/^(\/[A-Za-z0-9_.-]+)+$/),
          )
          .max(8)
          .meta(listSet)
          .default([])
          .describe(
            "Paths in the container that lie on empty volumes of the task, such as /tmp or /var/lib/docker. They belong to root unless the image declares the path as a VOLUME.",
          ),
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
      .default({
        name: "runner",
        command: ["./run.sh"],
        environment: [],
        secrets: [],
        stopTimeout: "120s",
        privileged: false,
        volumes: [],
      })
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
    jitConfigDelivery: z
      .object({
        type: z
          .enum(["Environment", "S3"])
          .default("Environment")
          .describe(
            "Environment puts it into the task's overrides, where everybody who may call DescribeTasks, or reads the task's events, sees it until it is used. S3 puts it into an object that only the execution role reads.",
          ),
        s3: z
          .object({
            bucket: z
              .string()
              .min(3)
              .max(63)
              .regex(/^[a-z0-9][a-z0-9.-]+[a-z0-9]$/)
              .describe("The bucket, in the class' Region. The execution role needs s3:GetObject and s3:GetBucketLocation."),
            prefix: z
              .string()
              .max(200)
              .regex(/^([A-Za-z0-9_.-]+\/)*$/)
              .default("getabako/")
              .describe("First part of the objects' keys. A lifecycle rule should expire what is left there after a day."),
            kmsKeyArn: arn("kms", "[a-z0-9-]+:[0-9]{12}:(key|alias)/.+")
              .exactOptional()
              .describe(
                "KMS key that encrypts the objects; the execution role needs kms:Decrypt. By default the bucket's own encryption.",
              ),
          })
          .exactOptional()
          .describe("Where the objects lie; required with type S3."),
      })
      .default({ type: "Environment" })
      .meta(cel({ rule: "(self.type == 'S3') == has(self.s3)", message: "s3 is required with type S3, and goes with no other" }))
      .describe("How a runner gets its single-use configuration."),
    events: z
      .object({
        queueUrl: z
          .string()
          .max(512)
          .regex(/^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?\/[A-Za-z0-9_/.-]+$/)
          .describe("URL of the SQS queue; getabako is its only reader, and removes what it reads."),
      })
      .exactOptional()
      .describe(
        "An SQS queue that an EventBridge rule fills with the cluster's ECS Task State Change events. Without it tasks are read by polling.",
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
      {
        rule: "!has(self.taskDefinition) || (self.images.size() == 0 && self.container.volumes.size() == 0 && !self.container.privileged)",
        message:
          "with taskDefinition image, volumes and privileges are those of the task definition; leave images, container.volumes and container.privileged out",
      },
      {
        rule: `!self.container.privileged || !(${fargate})`,
        message:
          "Fargate runs no privileged containers: give the ladder only rungs of Auto Scaling groups or Managed Instances, or leave container.privileged out",
        fieldPath: ".container.privileged",
      },
      {
        rule: "!has(self.image) || self.jitConfigDelivery.type != 'S3' || has(self.executionRoleArn)",
        message: "executionRoleArn is required with jitConfigDelivery.type S3: ECS reads the object with it",
        fieldPath: ".jitConfigDelivery",
      },
      {
        rule: "self.securityGroupSets.size() == 0 || has(self.network)",
        message: "securityGroupSets need network: only runners with an address of their own (awsvpc) have security groups",
      },
      fargateSizeRule(fargate, "self.resources"),
      {
        rule: `!(${fargate}) || self.sizes.all(s, ${isFargateSize("s")})`,
        message: "every one of sizes must be a pair of cpu and memory that Fargate runs; resources names them",
        fieldPath: ".sizes",
      },
      {
        rule: `self.sizes.all(s, !has(s.disk) || ((${fargate}) && quantity(s.disk).compareTo(quantity('21Gi')) >= 0 && quantity(s.disk).compareTo(quantity('200Gi')) <= 0))`,
        message: "the disk of a size is Fargate's ephemeral storage, 21Gi to 200Gi; leave it out for 20Gi or for other capacity",
        fieldPath: ".sizes",
      },
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
          unusedSince: timestamp
            .exactOptional()
            .describe("Since when the class does not need it any more; after an hour it is deregistered."),
        }),
      )
      .max(48)
      .meta(listMap("hash"))
      .exactOptional()
      .describe("Task definitions that the operator registered for the class."),
    circuit: z
      .array(
        z.object({
          capacity: z.string().max(64).describe("The rung."),
          state: z
            .enum(["Open", "HalfOpen"])
            .describe("Open: passed over until then. HalfOpen: one runner tries it. A rung that is not listed is used."),
          reason: z.enum(["Interruptions", "CapacityRefused"]).describe("What opened it."),
          message: z.string().max(300).describe("The same in words."),
          since: timestamp.describe("When it opened."),
          until: timestamp.describe("When it is tried again."),
        }),
      )
      .max(5)
      .meta(listMap("capacity"))
      .exactOptional()
      .describe("Rungs of the ladder that are passed over for a while, since they were interrupted or refused again and again."),
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
    {
      name: "Circuit",
      type: "string",
      jsonPath: ".status.circuit[0].capacity",
      description: "The first rung of the ladder that is passed over for a while; the status has all.",
      priority: 1,
    },
    { name: "Image", type: "string", jsonPath: ".spec.image", description: "Image of the runner.", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation.", priority: 0 },
  ],
};
