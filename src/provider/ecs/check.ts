import type { readyReasons } from "../../api/v1alpha1/reasons.ts";
import type { Cluster } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec, ECSRunnerClassStatus } from "../../api/v1alpha1/ecs-runner-class.ts";
import { isProviderError } from "../errors.ts";
import type { CheckResult, Finding } from "../types.ts";
import type { EcsApi } from "./clients.ts";
import { awsCause } from "./errors.ts";
import { imageProblem, isPrivateEcr } from "./image-reference.ts";
import type { TaskDefinitions } from "./task-definitions.ts";
import { isFargate } from "./rung.ts";

/** FindingReason is one of the documented reasons of an ECSRunnerClass' Ready condition. */
type FindingReason = keyof (typeof readyReasons)["ECSRunnerClass"];

/**
 * checkClass is what stands behind a class' Ready condition. It returns what a person has to mend, and throws what passes by itself
 * (Unavailable, Throttled, Internal): the last known state holds then.
 */
export async function checkClass(
  api: EcsApi,
  definitions: TaskDefinitions,
  spec: ECSRunnerClassSpec,
  signal: AbortSignal,
): Promise<CheckResult> {
  const byForm = [...imageFindings(spec), ...networkFindings(spec)];
  const cluster = await clusterFindings(api, spec, signal);
  // Without a right to the cluster nothing further can be learnt; an invalid image must not be registered.
  if ([...cluster, ...byForm].some(({ reason }) => reason === "Unauthorized" || reason === "ImageInvalid")) {
    return { findings: [...cluster, ...byForm] };
  }
  const definition = await definitionFindings(api, definitions, spec, signal);
  const rights = cluster.length > 0 ? [] : await listFindings(api, spec, signal);
  return { findings: [...cluster, ...definition.findings, ...rights, ...byForm], status: definition.status };
}

async function clusterFindings(api: EcsApi, spec: ECSRunnerClassSpec, signal: AbortSignal): Promise<Finding[]> {
  try {
    const { clusters } = await api.describeClusters({ clusters: [spec.cluster] }, signal);
    const [cluster] = clusters ?? [];
    if (cluster === undefined || cluster.status === "INACTIVE") {
      return [
        error(
          "ClusterNotFound",
          `cluster ${spec.cluster} does not exist in ${spec.region}: create it, or correct cluster, region and assumeRoleArn`,
        ),
      ];
    }
    return clusterProblems(cluster, spec);
  } catch (failure) {
    return [toFinding(failure, "ClusterNotFound")];
  }
}

/** Tasks are listed after a crash and by the sweep only: a right that is missing would show on the day on which it is needed. */
async function listFindings(api: EcsApi, { cluster }: ECSRunnerClassSpec, signal: AbortSignal): Promise<Finding[]> {
  try {
    await api.listTasks({ cluster, desiredStatus: "RUNNING", maxResults: 1 }, signal);
    return [];
  } catch (failure) {
    return [toFinding(failure, "ClusterNotFound")];
  }
}

function clusterProblems(cluster: Cluster, spec: ECSRunnerClassSpec): Finding[] {
  if (cluster.status !== undefined && cluster.status !== "ACTIVE") {
    return [error("ClusterInactive", `cluster ${spec.cluster} is ${cluster.status}: wait until it is ACTIVE, or mend it`)];
  }
  const associated = cluster.capacityProviders ?? [];
  return spec.capacity.flatMap((rung) =>
    rung.providers
      .filter(({ name }) => !associated.includes(name))
      .map(({ name }) =>
        error(
          "CapacityProviderMissing",
          `rung ${rung.name} names capacity provider ${name}, which is not associated with cluster ${spec.cluster}: associate it (aws ecs put-cluster-capacity-providers)`,
        ),
      ),
  );
}

async function definitionFindings(
  api: EcsApi,
  definitions: TaskDefinitions,
  spec: ECSRunnerClassSpec,
  signal: AbortSignal,
): Promise<{ readonly findings: readonly Finding[]; readonly status: Pick<ECSRunnerClassStatus, "taskDefinitions"> }> {
  try {
    const { arn, hash, image } = await definitions.ensure(api, spec, signal);
    const registered = hash === undefined || image === undefined ? [] : [{ image, arn, hash }];
    return { findings: [], status: { taskDefinitions: registered } };
  } catch (failure) {
    return { findings: [toFinding(failure, "TaskDefinitionNotFound")], status: {} };
  }
}

function imageFindings({ image, executionRoleArn, capacity }: ECSRunnerClassSpec): Finding[] {
  if (image === undefined) return [];
  const problem = imageProblem(image);
  if (problem !== undefined) return [error("ImageInvalid", `image ${image.slice(0, 120)} cannot be right: ${problem}`)];
  if (isPrivateEcr(image) && executionRoleArn === undefined && capacity.some(isFargate)) {
    return [
      error("ExecutionRoleMissing", "the image lies in a private ECR registry: set executionRoleArn to a role that may pull it"),
    ];
  }
  return [];
}

function networkFindings({ network, capacity }: ECSRunnerClassSpec): Finding[] {
  if (network === undefined) return [];
  const findings: Finding[] = [];
  if (network.assignPublicIp && !capacity.some(isFargate)) {
    findings.push(
      error("NetworkInvalid", "network.assignPublicIp works on Fargate only: remove it, and give the subnets a NAT gateway"),
    );
  }
  if (network.subnets.length === 1) {
    findings.push({
      severity: "Warning",
      reason: "SingleSubnet" satisfies FindingReason,
      message: "network.subnets names one subnet, so one zone: more zones give better chances of capacity",
    });
  }
  return findings;
}

/** What a person must mend becomes a finding; what passes is thrown on. */
function toFinding(failure: unknown, notReady: FindingReason): Finding {
  if (!isProviderError(failure)) throw failure;
  switch (failure.code) {
    case "Unauthorized":
      return error("Unauthorized", failure.message);
    case "TargetNotReady":
    case "NotFound":
      return error(notReady, failure.message);
    case "InvalidRequest":
      return error(
        awsCause(failure)?.operation === "DescribeClusters" ? "ClusterNotFound" : "TaskDefinitionInvalid",
        failure.message,
      );
    case "InsufficientCapacity":
    case "Throttled":
    case "Unavailable":
    case "Internal":
      throw failure;
    default:
      failure.code satisfies never;
      throw failure;
  }
}

function error(reason: FindingReason, message: string): Finding {
  return { severity: "Error", reason, message: message.slice(0, 300) };
}
