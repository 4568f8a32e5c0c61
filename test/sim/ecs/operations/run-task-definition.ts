import type { RunTaskRequest } from "@aws-sdk/client-ecs";
import { ApiError, invalidParameter } from "../api-error.ts";
import type { Context } from "../context.ts";
import { fargateSizeProblem } from "../limits/fargate.ts";
import type { Definition } from "../state/definitions.ts";
import type { Placement } from "./run-task-placement.ts";

/** checkAgainstDefinition enforces what a RunTask request must respect in the task definition it names. */
export function checkAgainstDefinition(
  context: Context,
  request: RunTaskRequest,
  definition: Definition,
  placement: Placement,
): void {
  if (!definition.compatibilities.includes(placement.launchType)) {
    throw invalidParameter(`Task definition does not support launch_type ${placement.launchType}.`);
  }
  checkNetworkMode(context, request, definition);
  checkContainers(request, definition);
  if (request.enableExecuteCommand === true && (request.overrides?.taskRoleArn ?? definition.request.taskRoleArn) === undefined) {
    throw invalidParameter("ECS Exec requires a task role: set taskRoleArn in the task definition or the overrides.");
  }
  if (placement.launchType === "FARGATE") {
    checkFargate(request, definition, placement);
  } else {
    checkInstances(request);
  }
}

function checkNetworkMode(context: Context, request: RunTaskRequest, definition: Definition): void {
  const vpc = request.networkConfiguration?.awsvpcConfiguration;
  if (definition.request.networkMode !== "awsvpc") {
    if (vpc !== undefined) {
      throw invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.");
    }
    return;
  }
  if (vpc === undefined) {
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  context.network.check(vpc.subnets ?? [], vpc.securityGroups ?? []);
}

function checkContainers(request: RunTaskRequest, definition: Definition): void {
  const names = (definition.request.containerDefinitions ?? []).map((container) => container.name);
  const seen = new Set<string>();
  for (const override of request.overrides?.containerOverrides ?? []) {
    if (override.name === undefined) {
      throw invalidParameter("Container override name can not be null.");
    }
    if (!names.includes(override.name)) {
      throw invalidParameter(
        `Override for container named ${override.name} is not a container in the TaskDefinition.`,
        "reference",
      );
    }
    if (seen.has(override.name)) {
      throw invalidParameter(`Duplicate override for container named ${override.name}.`);
    }
    seen.add(override.name);
    const hasRole = (request.overrides?.executionRoleArn ?? definition.request.executionRoleArn) !== undefined;
    if ((override.environmentFiles ?? []).length > 0 && !hasRole) {
      throw invalidParameter("Environment files require an execution role: set executionRoleArn in the task definition.");
    }
  }
}

function checkFargate(request: RunTaskRequest, definition: Definition, placement: Placement): void {
  const overrides = request.overrides;
  const size = fargateSizeProblem(overrides?.cpu ?? definition.request.cpu, overrides?.memory ?? definition.request.memory);
  if (size !== undefined) {
    throw invalidParameter(size);
  }
  if ((request.placementConstraints ?? []).length > 0 || (request.placementStrategy ?? []).length > 0) {
    throw invalidParameter("Placement constraints and strategies are not supported with FARGATE launch type.");
  }
  const windows = definition.request.runtimePlatform?.operatingSystemFamily?.startsWith("WINDOWS") === true;
  if (placement.name === "FARGATE_SPOT" && windows) {
    throw invalidParameter("Windows containers are not supported on FARGATE_SPOT.");
  }
  const version = request.platformVersion ?? "LATEST";
  if (!windows && version !== "LATEST" && version !== "1.4.0" && needsPlatform14(request, definition)) {
    throw new ApiError(
      "PlatformTaskDefinitionIncompatibilityException",
      "One or more of the requested capabilities are not supported on the platform version; 1.4.0 or later is needed.",
      { violation: "limit" },
    );
  }
}

/** What a request may ask for on Fargate alone. */
function checkInstances(request: RunTaskRequest): void {
  if (request.platformVersion !== undefined) {
    throw invalidParameter("The platform version must be null when specifying a launch type other than FARGATE.");
  }
  if (request.networkConfiguration?.awsvpcConfiguration?.assignPublicIp === "ENABLED") {
    throw invalidParameter("Assign public IP is not supported for this launch type.");
  }
  if (request.overrides?.ephemeralStorage !== undefined) {
    throw invalidParameter("Ephemeral storage can be overridden for tasks on Fargate only.");
  }
}

function needsPlatform14({ overrides }: RunTaskRequest, definition: Definition): boolean {
  return (
    definition.request.runtimePlatform?.cpuArchitecture === "ARM64" ||
    definition.request.ephemeralStorage !== undefined ||
    overrides?.ephemeralStorage !== undefined ||
    overrides?.containerOverrides?.some((container) => (container.environmentFiles ?? []).length > 0) === true
  );
}
