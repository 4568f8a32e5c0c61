import type { ContainerDefinition, RegisterTaskDefinitionRequest } from "@aws-sdk/client-ecs";
import { clientException, invalidParameter } from "../api-error.ts";
import { fargateSizeProblem } from "./fargate.ts";
import { checkEnvironmentFile } from "./run-task.ts";
import { checkTags } from "./tags.ts";

/** checkTaskDefinition enforces what RegisterTaskDefinition documents. */
export function checkTaskDefinition(request: RegisterTaskDefinitionRequest): void {
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(request.family ?? "")) {
    throw clientException("Family must be 1 to 255 letters, digits, hyphens and underscores.", "limit");
  }
  const containers = request.containerDefinitions ?? [];
  if (containers.length === 0 || containers.length > 10) {
    throw clientException("A task definition needs 1 to 10 container definitions.", "limit");
  }
  if (JSON.stringify(request).length > 64 * 1024) {
    throw clientException("The task definition is larger than 64 KiB.", "limit");
  }
  const names = containers.map((container) => container.name);
  if (new Set(names).size < names.length) {
    throw clientException("Container names must be unique in a task definition.", "limit");
  }
  if (!containers.some((container) => container.essential !== false)) {
    throw clientException("A task must have at least one essential container.", "limit");
  }
  for (const container of containers) {
    checkContainer(container, request);
  }
  checkVolumes(request, containers);
  if (request.requiresCompatibilities?.includes("FARGATE") === true) {
    checkFargate(request, containers);
  }
  if (request.requiresCompatibilities?.includes("MANAGED_INSTANCES") === true) {
    checkManagedInstances(request, containers);
  }
  checkTags(request.tags);
}

function checkContainer(container: ContainerDefinition, request: RegisterTaskDefinitionRequest): void {
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(container.name ?? "")) {
    throw clientException("Container names must be 1 to 255 letters, digits, hyphens and underscores.", "limit");
  }
  if (container.image === undefined || container.image === "") {
    throw clientException("Container.image should not be null or empty.", "limit");
  }
  if (container.memory === undefined && container.memoryReservation === undefined && request.memory === undefined) {
    throw clientException(
      `Invalid setting for container '${container.name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
      "limit",
    );
  }
  const stopTimeout = container.stopTimeout;
  if (stopTimeout !== undefined && (stopTimeout < 0 || stopTimeout > 86_400)) {
    throw clientException(`stopTimeout must be between 0 and 86400 seconds, got ${stopTimeout}.`, "limit");
  }
  if ((container.environmentFiles ?? []).length > 10) {
    throw invalidParameter("At most 10 environment files can be specified for a container.");
  }
  for (const file of container.environmentFiles ?? []) {
    checkEnvironmentFile(file.value, file.type);
  }
  for (const secret of container.secrets ?? []) {
    if (container.environment?.some((variable) => variable.name === secret.name) === true) {
      throw clientException(
        `The secret name must be unique and not shared with any new or existing environment variables: ${secret.name}`,
        "limit",
      );
    }
  }
}

function checkVolumes(request: RegisterTaskDefinitionRequest, containers: readonly ContainerDefinition[]): void {
  const names = (request.volumes ?? []).map((volume) => volume.name ?? "");
  for (const name of names) {
    if (!/^[A-Za-z0-9_-]{1,255}$/.test(name)) {
      throw clientException("Volume names must be 1 to 255 letters, digits, hyphens and underscores.", "limit");
    }
  }
  if (new Set(names).size < names.length) {
    throw clientException("Volume names must be unique in a task definition.", "limit");
  }
  for (const { name, mountPoints } of containers) {
    const paths = (mountPoints ?? []).map(({ containerPath }) => containerPath);
    if (new Set(paths).size < paths.length) {
      throw clientException(`Duplicate mount point in container '${name}'.`, "limit");
    }
    for (const { sourceVolume } of mountPoints ?? []) {
      if (!names.includes(sourceVolume ?? "")) {
        throw clientException(`Unknown volume '${sourceVolume}' in container '${name}'.`, "limit");
      }
    }
  }
}

const fargateLogDrivers = ["awslogs", "splunk", "awsfirelens"];

function checkFargate(request: RegisterTaskDefinitionRequest, containers: readonly ContainerDefinition[]): void {
  const size = fargateSizeProblem(request.cpu, request.memory);
  if (size !== undefined) {
    throw clientException(size, "limit");
  }
  if (request.networkMode !== "awsvpc") {
    throw clientException("Fargate only supports network mode 'awsvpc'.", "limit");
  }
  const disk = request.ephemeralStorage?.sizeInGiB;
  if (disk !== undefined && (disk < 21 || disk > 200)) {
    throw clientException(`Ephemeral storage on Fargate must be between 21 and 200 GiB, got ${disk}.`, "limit");
  }
  if (request.volumes?.some((volume) => volume.host?.sourcePath !== undefined) === true) {
    throw clientException("Fargate compatible task definitions do not support sourcePath.", "limit");
  }
  if (request.volumes?.some((volume) => volume.dockerVolumeConfiguration !== undefined) === true) {
    throw clientException("Fargate compatible task definitions do not support dockerVolumeConfiguration.", "limit");
  }
  for (const container of containers) {
    checkFargateContainer(container, request.executionRoleArn);
  }
}

function checkManagedInstances(request: RegisterTaskDefinitionRequest, containers: readonly ContainerDefinition[]): void {
  if (request.networkMode === "bridge") {
    throw clientException("Managed Instances support the network modes awsvpc, host and none.", "limit");
  }
  if (request.runtimePlatform?.operatingSystemFamily?.startsWith("WINDOWS") === true) {
    throw clientException("Managed Instances run Linux only.", "limit");
  }
  const needy = containers.find(
    ({ logConfiguration, image }) => logConfiguration?.logDriver === "awslogs" || isPrivateEcr(image),
  );
  if (needy !== undefined && request.executionRoleArn === undefined) {
    throw clientException("Managed Instances need an execution role for awslogs and for private ECR images.", "limit");
  }
}

function isPrivateEcr(image: string | undefined): boolean {
  return /^\d{12}\.dkr\.ecr\./.test(image ?? "");
}

function checkFargateContainer(container: ContainerDefinition, executionRoleArn: string | undefined): void {
  for (const what of unsupportedOnFargate(container)) {
    throw clientException(`Fargate compatible task definitions do not support ${what}.`, "limit");
  }
  if ((container.stopTimeout ?? 0) > 120) {
    throw clientException("stopTimeout on Fargate can be at most 120 seconds.", "limit");
  }
  const driver = container.logConfiguration?.logDriver;
  if (driver !== undefined && !fargateLogDrivers.includes(driver)) {
    throw clientException(`Fargate does not support the log driver ${driver}.`, "limit");
  }
  if (driver === "awslogs" && container.logConfiguration?.options?.["awslogs-stream-prefix"] === undefined) {
    throw clientException("Log driver awslogs requires the option awslogs-stream-prefix on Fargate.", "limit");
  }
  for (const what of executionRoleNeeds(container)) {
    if (executionRoleArn === undefined) {
      throw clientException(`Fargate requires task definition to have execution role ARN to support ${what}.`, "limit");
    }
  }
}

function unsupportedOnFargate({
  privileged,
  linuxParameters,
  resourceRequirements,
  links,
}: ContainerDefinition): readonly string[] {
  return present([
    ["privileged", privileged === true],
    ["devices", some(linuxParameters?.devices)],
    ["tmpfs", some(linuxParameters?.tmpfs)],
    ["sharedMemorySize", linuxParameters?.sharedMemorySize !== undefined],
    [
      "added capabilities other than SYS_PTRACE",
      some(linuxParameters?.capabilities?.add?.filter((name) => name !== "SYS_PTRACE")),
    ],
    ["GPUs", some(resourceRequirements?.filter((requirement) => requirement.type === "GPU"))],
    ["links", some(links)],
  ]);
}

function executionRoleNeeds({ logConfiguration, secrets, environmentFiles, image }: ContainerDefinition): readonly string[] {
  return present([
    ["log driver awslogs", logConfiguration?.logDriver === "awslogs"],
    ["secrets", some(secrets)],
    ["environment files", some(environmentFiles)],
    ["ECR images", isPrivateEcr(image)],
  ]);
}

function present(table: readonly (readonly [string, boolean])[]): readonly string[] {
  return table.filter(([, there]) => there).map(([what]) => what);
}

function some(list: readonly unknown[] | undefined): boolean {
  return list !== undefined && list.length > 0;
}
