import { z } from "zod";
import { atomicList, listMap, listSet } from "../kind.ts";

/** Duration of a container's stop: ECS accepts whole seconds, on Fargate 2 to 120 (aws-ecs API reference, ContainerDefinition.stopTimeout). */
const stopSeconds = z
  .string()
  .min(2)
  .max(8)
  .regex(/^([0-9]+m)?([0-9]+s)?$/);

/** containerSchema is the runner's container in the task definition. */
export const containerSchema = z
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
  .describe("The runner's container.");
