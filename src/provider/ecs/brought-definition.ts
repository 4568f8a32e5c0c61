import type { ContainerDefinition, TaskDefinition } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { parseMebibytes } from "../../util/quantity.ts";
import { isPrivateEcr } from "./image-reference.ts";
import { jitConfigVariable } from "./jit-config-variable.ts";
import { capacityTypeOf, isFargate, type Rung } from "./rung.ts";
import { compatibilityOf, supports } from "./task-definition.ts";

/**
 * definitionProblems says why a task definition brought by the user cannot run the class' runners, and what to do, the worst first; empty
 * when it can. The sentences go on after the definition's name.
 */
export function definitionProblems(definition: TaskDefinition, spec: ECSRunnerClassSpec): string[] {
  const containers = definition.containerDefinitions ?? [];
  const runner = containers.find(({ name }) => name === spec.container.name);
  return [
    ...runnerProblems(containers, runner, spec),
    ...networkProblems(definition, spec),
    ...rungProblems(definition, runner, spec),
    ...memoryProblems(containers, spec),
    ...roleProblems(definition, spec),
    ...deliveryProblems(runner, spec),
  ];
}

function runnerProblems(
  containers: readonly ContainerDefinition[],
  runner: ContainerDefinition | undefined,
  { container }: ECSRunnerClassSpec,
): string[] {
  if (runner === undefined) {
    const names = containers.map(({ name }) => name).join(", ");
    return [`it has no container "${container.name}": set container.name to one of ${names}`];
  }
  return runner.essential === false
    ? [`its container "${container.name}" is not essential, so the task would go on without the runner: make it essential`]
    : [];
}

function networkProblems({ networkMode }: TaskDefinition, { network }: ECSRunnerClassSpec): string[] {
  const mode = networkMode || "bridge";
  if (mode === "none") return ["its network mode is none, and a runner talks to GitHub: use awsvpc"];
  if (mode === "awsvpc") return network === undefined ? ["its network mode is awsvpc: set network.subnets"] : [];
  return network === undefined ? [] : [`its network mode is ${mode}, which takes no network: remove network from the class`];
}

/** Every rung is looked at: one that fits would hide the others until the day on which it is full. */
function rungProblems(
  definition: TaskDefinition,
  runner: ContainerDefinition | undefined,
  { capacity }: ECSRunnerClassSpec,
): string[] {
  const problems: string[] = [];
  const fargate = capacity.find(isFargate);
  if (fargate !== undefined && runner?.privileged === true) {
    problems.push(`its container is privileged, which Fargate (rung ${fargate.name}) does not run: drop privileged, or the rung`);
  }
  const managed = capacity.find((rung) => capacityTypeOf(rung) === "ManagedInstances");
  if (managed !== undefined && (definition.networkMode || "bridge") === "bridge") {
    problems.push(`its network mode is bridge, which Managed Instances (rung ${managed.name}) do not have: use awsvpc`);
  }
  for (const [type, kind] of Object.entries(compatibilityOf)) {
    const rung: Rung | undefined = capacity.find((each) => capacityTypeOf(each) === type);
    if (rung === undefined || supports(definition, kind)) continue;
    problems.push(`it is not compatible with ${kind}, which rung ${rung.name} needs: add that to its requiresCompatibilities`);
  }
  return problems;
}

function memoryProblems(containers: readonly ContainerDefinition[], { resources }: ECSRunnerClassSpec): string[] {
  // ECS compares the sum of what is reserved, and each hard limit.
  const reserved = containers.reduce((sum, { memory, memoryReservation }) => sum + (memoryReservation ?? memory ?? 0), 0);
  const taken = Math.max(reserved, ...containers.map(({ memory }) => memory ?? 0));
  const given = parseMebibytes(resources.memory);
  return taken > given
    ? [`its containers take ${taken} MiB, and resources.memory gives the task ${given} MiB: give it more, or them less`]
    : [];
}

/**
 * ECS sets a task up with the execution role wherever it runs the agent itself. Container instances of one's own may do some of it with
 * the role of the instance, but secrets and environment files are the execution role's there too.
 */
function roleProblems({ executionRoleArn, containerDefinitions }: TaskDefinition, spec: ECSRunnerClassSpec): string[] {
  if ((executionRoleArn ?? "") !== "") return [];
  const ownInstances = spec.capacity.every((rung) => capacityTypeOf(rung) === "AutoScalingGroup");
  const containers = containerDefinitions ?? [];
  const needs = [
    { what: "secrets", needed: containers.some(({ secrets }) => (secrets ?? []).length > 0) },
    { what: "environment files", needed: containers.some(({ environmentFiles }) => (environmentFiles ?? []).length > 0) },
    { what: "jitConfigDelivery.type S3", needed: spec.jitConfigDelivery.type === "S3" },
    { what: "the log driver awslogs", needed: !ownInstances && containers.some(logsToCloudWatch) },
    { what: "an image in private ECR", needed: !ownInstances && containers.some(({ image }) => isPrivateEcr(image ?? "")) },
  ];
  const missing = needs.filter(({ needed }) => needed).map(({ what }) => what);
  return missing.length > 0 ? [`it needs an executionRoleArn for ${missing.join(", ")}`] : [];
}

/** AWS' limit for a container (API reference, ContainerDefinition.environmentFiles). */
const maxEnvironmentFiles = 10;

/** Why a runner of this definition could not read its JIT configuration from an object. */
function deliveryProblems(runner: ContainerDefinition | undefined, { jitConfigDelivery }: ECSRunnerClassSpec): string[] {
  if (jitConfigDelivery.type !== "S3" || runner === undefined) return [];
  const problems: string[] = [];
  if ((runner.environmentFiles ?? []).length >= maxEnvironmentFiles) {
    problems.push(
      `its container "${runner.name}" has ${maxEnvironmentFiles} environment files, as many as ECS takes, and jitConfigDelivery.type S3 adds one: remove one`,
    );
  }
  if ([...(runner.environment ?? []), ...(runner.secrets ?? [])].some((variable) => variable.name === jitConfigVariable)) {
    problems.push(
      `its container "${runner.name}" sets ${jitConfigVariable}, which would win over jitConfigDelivery.type S3: remove it`,
    );
  }
  return problems;
}

function logsToCloudWatch({ logConfiguration }: ContainerDefinition): boolean {
  return logConfiguration?.logDriver === "awslogs";
}
