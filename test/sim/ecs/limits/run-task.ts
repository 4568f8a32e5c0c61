import type { CapacityProviderStrategyItem, RunTaskRequest } from "@aws-sdk/client-ecs";
import { ApiError, invalidParameter } from "../api-error.ts";
import { checkTags } from "./tags.ts";

/** checkRunTask enforces what RunTask documents about the request alone, whatever the account holds. */
export function checkRunTask(request: RunTaskRequest): void {
  checkIdentity(request);
  checkPlacement(request);
  checkOverrides(request);
  checkTags(request.tags);
}

function checkIdentity(request: RunTaskRequest): void {
  if (request.taskDefinition === "") {
    throw invalidParameter("TaskDefinition can not be blank.");
  }
  const count = request.count ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > 10) {
    throw invalidParameter(`Count must be between 1 and 10, got ${count}.`);
  }
  if (request.clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(request.clientToken)) {
    throw invalidParameter("ClientToken must be 1 to 64 ASCII characters in the range 33-126.");
  }
  if (request.startedBy !== undefined && !/^[A-Za-z0-9_/-]{1,128}$/.test(request.startedBy)) {
    throw invalidParameter("StartedBy must be 1 to 128 letters, digits, hyphens, forward slashes and underscores.");
  }
  if (request.propagateTags !== undefined && request.propagateTags !== "TASK_DEFINITION" && request.propagateTags !== "NONE") {
    throw invalidParameter(`PropagateTags ${request.propagateTags} is not possible with RunTask.`);
  }
}

const launchTypes = ["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"];

function checkPlacement(request: RunTaskRequest): void {
  const strategy = request.capacityProviderStrategy;
  if (request.launchType !== undefined && !launchTypes.includes(request.launchType)) {
    throw invalidParameter(`Unknown launch type ${request.launchType}.`);
  }
  if (request.launchType === "MANAGED_INSTANCES") {
    throw invalidParameter("Managed Instances are reachable through a capacity provider strategy only.");
  }
  if (strategy !== undefined && strategy.length > 0 && request.launchType !== undefined) {
    throw invalidParameter(
      "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    );
  }
  checkStrategy(strategy ?? []);
  if ((request.placementConstraints ?? []).length > 10) {
    throw invalidParameter("At most 10 placement constraints can be specified.");
  }
  if ((request.placementStrategy ?? []).length > 5) {
    throw invalidParameter("At most 5 placement strategy rules can be specified.");
  }
  checkPlatform(request);
  checkNetwork(request);
}

function checkStrategy(strategy: readonly CapacityProviderStrategyItem[]): void {
  if (strategy.length > 20) {
    throw invalidParameter("A capacity provider strategy can contain a maximum of 20 capacity providers.");
  }
  for (const item of strategy) {
    inRange("weight", item.weight, 1000);
    inRange("base", item.base, 100_000);
  }
  if (strategy.length > 1 && strategy.every((item) => (item.weight ?? 0) === 0)) {
    throw invalidParameter("At least one capacity provider in the strategy must have a weight greater than zero.");
  }
  if (new Set(strategy.map((item) => item.capacityProvider)).size < strategy.length) {
    throw invalidParameter("A capacity provider can be named only once in a strategy.");
  }
}

function checkPlatform(request: RunTaskRequest): void {
  if (request.platformVersion !== undefined && !["LATEST", "1.4.0", "1.3.0", "1.0.0"].includes(request.platformVersion)) {
    throw new ApiError("PlatformUnknownException", `The specified platform version does not exist: ${request.platformVersion}.`, {
      violation: "limit",
    });
  }
}

function checkNetwork(request: RunTaskRequest): void {
  const vpc = request.networkConfiguration?.awsvpcConfiguration;
  if (vpc === undefined) {
    return;
  }
  const subnets = vpc.subnets ?? [];
  if (subnets.length === 0 || subnets.length > 16) {
    throw invalidParameter(`Between 1 and 16 subnets can be specified, got ${subnets.length}.`);
  }
  if ((vpc.securityGroups ?? []).length > 5) {
    throw invalidParameter("At most 5 security groups can be specified.");
  }
  if (vpc.assignPublicIp !== undefined && vpc.assignPublicIp !== "ENABLED" && vpc.assignPublicIp !== "DISABLED") {
    throw invalidParameter(`AssignPublicIp must be ENABLED or DISABLED, got ${String(vpc.assignPublicIp)}.`);
  }
}

function checkOverrides(request: RunTaskRequest): void {
  const overrides = request.overrides;
  if (overrides === undefined) {
    return;
  }
  // The limit counts the JSON text, quotes and brackets included.
  if (JSON.stringify(overrides).length > 8192) {
    throw invalidParameter("Container Overrides length must be at most 8192");
  }
  const disk = overrides.ephemeralStorage?.sizeInGiB;
  if (disk !== undefined && (disk < 21 || disk > 200)) {
    throw invalidParameter(`EphemeralStorage must be between 21 and 200 GiB, got ${disk}.`);
  }
  for (const container of overrides.containerOverrides ?? []) {
    if ((container.environmentFiles ?? []).length > 10) {
      throw invalidParameter("At most 10 environment files can be specified for a container.");
    }
    for (const file of container.environmentFiles ?? []) {
      checkEnvironmentFile(file.value, file.type);
    }
  }
}

/** checkEnvironmentFile enforces the form of an S3 environment file's reference. */
export function checkEnvironmentFile(arn: string | undefined, type: string | undefined): void {
  if (type !== "s3" || arn === undefined || !/^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/.+\.env$/.test(arn)) {
    throw invalidParameter("Environment files must be of type s3, and their value the ARN of an object whose name ends in .env.");
  }
}

function inRange(name: string, value: number | undefined, max: number): void {
  if (value !== undefined && (!Number.isInteger(value) || value < 0 || value > max)) {
    throw invalidParameter(`The ${name} of a capacity provider must be between 0 and ${max}, got ${value}.`);
  }
}
