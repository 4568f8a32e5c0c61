import type { CapacityProviderStrategyItem, EnvironmentFile, RunTaskCommandInput, TaskOverride } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { canonicalJson, shortHash } from "../../util/hash.ts";
import { ProviderError } from "../errors.ts";
import type { Launch } from "../types.ts";
import type { HandOver } from "./hand-over.ts";
import { isFargate, type Rung } from "./rung.ts";
import type { Shape } from "./shape.ts";
import { launchTags } from "./tags.ts";

/** EcsLaunch is a launch through an ECSRunnerClass. */
export type EcsLaunch = Launch<ECSRunnerClassSpec>;

/** maxOverridesLength is AWS' limit for a task's overrides, JSON punctuation included. */
export const maxOverridesLength = 8_192;

/** TaskDefinitionUse is what a task needs to know of its definition. */
export interface TaskDefinitionUse {
  readonly arn: string;
  readonly networkMode: string;
  /** Those of the runner's container: an override with files takes their place. */
  readonly environmentFiles?: readonly EnvironmentFile[];
}

/**
 * taskInput is the RunTask call for one rung of a launch. It is a pure function of its arguments and of nothing else: ECS takes a
 * repeated call for the same only if every byte of it is.
 * @throws ProviderError InvalidRequest when the call would be over a limit of ECS.
 */
export function taskInput(
  launch: EcsLaunch,
  shape: Shape,
  rung: Rung,
  definition: TaskDefinitionUse,
  handOver: HandOver,
): RunTaskCommandInput {
  const { spec } = launch.class;
  const { network } = spec;
  const overrides = taskOverrides(launch, shape, rung, withFilesOf(definition, handOver));
  return {
    cluster: spec.cluster,
    taskDefinition: definition.arn,
    count: 1,
    clientToken: clientToken(launch, rung),
    startedBy: launch.requestUid,
    group: launch.runnerName,
    capacityProviderStrategy: rung.providers.map(strategyItem),
    ...(definition.networkMode === "awsvpc" &&
      network !== undefined && {
        networkConfiguration: {
          awsvpcConfiguration: {
            subnets: [...network.subnets],
            ...(shape.securityGroups !== undefined && { securityGroups: [...shape.securityGroups] }),
            // Anywhere else ECS refuses it.
            assignPublicIp: network.assignPublicIp && isFargate(rung) ? "ENABLED" : "DISABLED",
          },
        },
      }),
    overrides,
    tags: launchTags(launch),
  };
}

/**
 * clientToken makes a second task for the same launch impossible. Each rung has its own: the call for the next one differs in its
 * parameters, which would be a conflict. It covers no more than what identifies the launch, so that a launch repeated after a crash
 * with another JIT configuration is a conflict that names the first task. 64 characters, as many as ECS takes.
 */
export function clientToken({ requestUid, attempt, tries }: EcsLaunch, { name }: Pick<Rung, "name">): string {
  return shortHash(canonicalJson([requestUid, attempt, tries, name]), 64);
}

function taskOverrides(launch: EcsLaunch, shape: Shape, rung: Rung, handOver: HandOver): TaskOverride {
  const { container } = launch.class.spec;
  const overrides: TaskOverride = {
    containerOverrides: [{ name: container.name, ...handOver }],
    cpu: String(cpuUnits(shape.cpu)),
    memory: String(shape.memoryMiB),
    ...(shape.diskGiB !== undefined && isFargate(rung) && { ephemeralStorage: { sizeInGiB: shape.diskGiB } }),
  };
  const length = JSON.stringify(overrides).length;
  if (length > maxOverridesLength) {
    throw new ProviderError(
      "InvalidRequest",
      `the task's overrides have ${length} characters, and ECS takes ${maxOverridesLength}: the JIT configuration is too long to be handed over in the environment; set jitConfigDelivery.type to S3`,
    );
  }
  return overrides;
}

/** The definition's own files stay, behind ours: between files the first one wins. */
function withFilesOf({ environmentFiles = [] }: TaskDefinitionUse, handOver: HandOver): HandOver {
  return handOver.environmentFiles === undefined
    ? handOver
    : { ...handOver, environmentFiles: [...handOver.environmentFiles, ...environmentFiles] };
}

/** cpuUnits is ECS' measure: 1024 to a vCPU. */
export function cpuUnits(vcpus: number): number {
  return Math.round(vcpus * 1024);
}

function strategyItem({ name, weight, base }: Rung["providers"][number]): CapacityProviderStrategyItem {
  return { capacityProvider: name, weight, ...(base !== undefined && { base }) };
}
