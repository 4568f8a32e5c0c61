import { z } from "zod";
import { type ApiObject, atomicList, cel, type KindDefinition, listMap, listSet } from "../kind.ts";
import { conditionsSchema, namespacesList, timestamp } from "./common.ts";
import { roleArn } from "./arn.ts";
import { capacityRung } from "./ecs-capacity.ts";
import { ecsClassRules } from "./ecs-class-rules.ts";
import { containerSchema } from "./ecs-container.ts";
import { jitConfigDeliverySchema } from "./ecs-delivery.ts";
import { className, sizeQuantity } from "./overrides.ts";
import { ecsRunnerClassResource } from "./resources.ts";

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
    container: containerSchema,
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
    jitConfigDelivery: jitConfigDeliverySchema,
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
  .meta(cel(...ecsClassRules))
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
      priority: 0,
    },
    { name: "Region", type: "string", jsonPath: ".spec.region", description: "AWS Region.", priority: 0 },
    { name: "Cluster", type: "string", jsonPath: ".spec.cluster", description: "ECS cluster.", priority: 1 },
    { name: "Image", type: "string", jsonPath: ".spec.image", description: "Image of the runner.", priority: 1 },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation.", priority: 0 },
  ],
};
