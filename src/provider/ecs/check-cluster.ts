import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Finding } from "../types.ts";
import type { EcsApi } from "./clients.ts";
import { error, toFinding } from "./finding.ts";

/** ClusterState is what ECS says of the class' cluster; `associated` only where runners could be started in it. */
export interface ClusterState {
  readonly findings: readonly Finding[];
  /** Names of the capacity providers that the cluster lists as its own. */
  readonly associated?: readonly string[];
}

/** clusterState asks for the cluster. It is the first call of a check, so wrong credentials, Regions and roles show here. */
export async function clusterState(api: EcsApi, spec: ECSRunnerClassSpec, signal: AbortSignal): Promise<ClusterState> {
  try {
    const { clusters } = await api.describeClusters({ clusters: [spec.cluster] }, signal);
    const [cluster] = clusters ?? [];
    if (cluster === undefined || cluster.status === "INACTIVE") {
      const message = `cluster ${spec.cluster} does not exist in ${spec.region}: create it, or correct cluster, region and assumeRoleArn`;
      return { findings: [error("ClusterNotFound", message)] };
    }
    if (cluster.status !== undefined && cluster.status !== "ACTIVE") {
      const message = `cluster ${spec.cluster} is ${cluster.status}: wait until it is ACTIVE, or mend it`;
      return { findings: [error("ClusterInactive", message)] };
    }
    return { findings: [], associated: cluster.capacityProviders ?? [] };
  } catch (failure) {
    return { findings: [toFinding(failure, "ClusterNotFound")] };
  }
}

/** listFindings: tasks are listed after a crash and by the sweep only, so a right that is missing would show on the day it is needed. */
export async function listFindings(api: EcsApi, { cluster }: ECSRunnerClassSpec, signal: AbortSignal): Promise<Finding[]> {
  try {
    await api.listTasks({ cluster, desiredStatus: "RUNNING", maxResults: 1 }, signal);
    return [];
  } catch (failure) {
    return [toFinding(failure, "ClusterNotFound")];
  }
}
