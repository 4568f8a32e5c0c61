import type { ContainerDefinition, RegisterTaskDefinitionCommandInput, TaskDefinition } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { parseDurationMs } from "../../util/duration.ts";
import { canonicalJson, shortHash } from "../../util/hash.ts";
import { parseMebibytes } from "../../util/quantity.ts";
import { isFargate } from "./rung.ts";

/** RegisteredDefinition is a task definition that the operator registers for a class. */
export interface RegisteredDefinition {
  /** Hash of the content: classes of equal content share one definition. */
  readonly hash: string;
  /** Carries the hash, so that one DescribeTaskDefinition finds the definition again after a restart. */
  readonly family: string;
  readonly input: RegisterTaskDefinitionCommandInput;
}

/**
 * Variables that every runner starts with; a class may set others. With the first, the runner ends with code 7 when GitHub accepts
 * its version no longer, instead of one that looks like success. With the second it passes SIGTERM on to the job.
 */
const runnerEnvironment: Readonly<Record<string, string>> = {
  ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1",
  RUNNER_MANUALLY_TRAP_SIG: "1",
};

/** The size in every definition. Each task brings its own, so a class that changes its size needs no other definition. */
const placeholderSize = { cpu: "1024", memory: "2048" } as const;

/** registeredDefinition is what to register for a class that has an image. */
export function registeredDefinition(spec: ECSRunnerClassSpec & { readonly image: string }): RegisteredDefinition {
  const content = {
    networkMode: "awsvpc",
    requiresCompatibilities: compatibilities(spec),
    ...placeholderSize,
    runtimePlatform: {
      operatingSystemFamily: "LINUX",
      cpuArchitecture: spec.platform.arch === "arm64" ? "ARM64" : "X86_64",
    },
    ...(spec.executionRoleArn !== undefined && { executionRoleArn: spec.executionRoleArn }),
    ...(spec.taskRoleArn !== undefined && { taskRoleArn: spec.taskRoleArn }),
    containerDefinitions: [containerDefinition(spec)],
  } satisfies Omit<RegisterTaskDefinitionCommandInput, "family">;
  const hash = shortHash(canonicalJson(content), 16);
  const family = `getabako-${hash}`;
  return { hash, family, input: { family, ...content } };
}

/**
 * isSameDefinition tells whether ECS' definition is the one to be registered. It compares what decides who runs what; the rest comes
 * back with ECS' own defaults filled in.
 */
export function isSameDefinition(found: TaskDefinition, { input }: RegisteredDefinition): boolean {
  const [wanted] = input.containerDefinitions ?? [];
  const [container, ...others] = found.containerDefinitions ?? [];
  return (
    found.status !== "INACTIVE" &&
    others.length === 0 &&
    container?.image === wanted?.image &&
    container?.name === wanted?.name &&
    canonicalJson(container?.command ?? []) === canonicalJson(wanted?.command ?? []) &&
    (found.executionRoleArn || undefined) === input.executionRoleArn &&
    (found.taskRoleArn || undefined) === input.taskRoleArn
  );
}

/** definitionProblems says why a task definition brought by the user cannot run the class' runners; empty when it can. */
export function definitionProblems(definition: TaskDefinition, spec: ECSRunnerClassSpec): string[] {
  const name = `${definition.family ?? "the task definition"}:${definition.revision ?? "?"}`;
  const containers = definition.containerDefinitions ?? [];
  const runner = containers.find((container) => container.name === spec.container.name);
  const problems: string[] = [];
  if (runner === undefined) {
    const names = containers.map((container) => container.name).join(", ");
    problems.push(`${name} has no container "${spec.container.name}": set container.name to one of ${names}`);
  } else if (runner.essential === false) {
    problems.push(`the container "${spec.container.name}" of ${name} is not essential: the task would go on without the runner`);
  }
  const memory = parseMebibytes(spec.resources.memory);
  if (runner?.memory !== undefined && runner.memory > memory) {
    problems.push(
      `the container "${spec.container.name}" of ${name} takes ${runner.memory} MiB, resources.memory gives the task ${memory} MiB`,
    );
  }
  if (definition.networkMode === "awsvpc" && spec.network === undefined) {
    problems.push(`${name} has the network mode awsvpc: set network.subnets`);
  }
  if (definition.networkMode !== "awsvpc" && spec.network !== undefined) {
    problems.push(
      `${name} has the network mode ${definition.networkMode ?? "bridge"}, which takes no network: remove it from the class`,
    );
  }
  const fargate = spec.capacity.find(isFargate);
  if (fargate !== undefined && definition.compatibilities?.includes("FARGATE") !== true) {
    problems.push(
      `${name} is not compatible with Fargate, which rung ${fargate.name} needs: add FARGATE to its requiresCompatibilities`,
    );
  }
  return problems;
}

/** What ECS is to validate the definition for. A provider other than AWS' own two is taken for an Auto Scaling group's. */
function compatibilities(spec: ECSRunnerClassSpec): ("FARGATE" | "EC2")[] {
  return [
    ...(spec.capacity.some(isFargate) ? (["FARGATE"] as const) : []),
    ...(spec.capacity.some((rung) => !isFargate(rung)) ? (["EC2"] as const) : []),
  ];
}

function containerDefinition({ container, image, region }: ECSRunnerClassSpec & { readonly image: string }): ContainerDefinition {
  const secrets = container.secrets.map(({ name, valueFrom }) => ({ name, valueFrom })).sort(byName);
  const environment = new Map(Object.entries(runnerEnvironment));
  for (const { name } of secrets) environment.delete(name);
  for (const { name, value } of container.environment) environment.set(name, value);
  return {
    name: container.name,
    image,
    essential: true,
    command: [...container.command],
    environment: [...environment].map(([name, value]) => ({ name, value })).sort(byName),
    ...(secrets.length > 0 && { secrets }),
    stopTimeout: Math.round(parseDurationMs(container.stopTimeout) / 1_000),
    ...(container.logs !== undefined && {
      logConfiguration: {
        logDriver: "awslogs",
        options: {
          "awslogs-group": container.logs.group,
          "awslogs-region": region,
          "awslogs-stream-prefix": container.logs.streamPrefix,
        },
      },
    }),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
