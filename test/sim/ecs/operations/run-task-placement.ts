import type { CapacityProviderStrategyItem, RunTaskRequest } from "@aws-sdk/client-ecs";
import { invalidParameter } from "../api-error.ts";
import type { Context } from "../context.ts";
import type { CapacityProvider, Cluster } from "../state/clusters.ts";
import type { TaskRecord } from "../state/task.ts";

/** Placement is where the tasks of one call go. */
export interface Placement {
  /** Name of the capacity provider, or the launch type without a strategy. */
  readonly name: string;
  readonly byStrategy: boolean;
  readonly launchType: TaskRecord["launchType"];
}

/** effectiveStrategy is the strategy that a call is placed by; empty if its launch type decides. */
export function effectiveStrategy(cluster: Cluster, request: RunTaskRequest): readonly CapacityProviderStrategyItem[] {
  const asked = request.capacityProviderStrategy ?? [];
  return asked.length > 0 ? asked : request.launchType === undefined ? cluster.defaultCapacityProviderStrategy : [];
}

/** requestedCapacities names what a call may be placed on. */
export function requestedCapacities(cluster: Cluster, request: RunTaskRequest): readonly string[] {
  const strategy = effectiveStrategy(cluster, request);
  return strategy.length === 0
    ? [request.launchType ?? "EC2"]
    : strategy.filter((item) => strategy.length === 1 || (item.weight ?? 0) > 0).map((item) => item.capacityProvider ?? "");
}

/** resolvePlacement checks a call's strategy against the cluster and picks the provider. */
export function resolvePlacement(context: Context, cluster: Cluster, request: RunTaskRequest): Placement {
  const strategy = effectiveStrategy(cluster, request);
  if (strategy.length === 0) {
    const launchType = (request.launchType ?? "EC2") as Placement["launchType"];
    return { name: launchType, byStrategy: false, launchType };
  }
  const providers = strategy.map((item) => associated(context, cluster, item.capacityProvider ?? ""));
  if (new Set(providers.map((provider) => provider.type)).size > 1) {
    throw invalidParameter(
      "The capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups, Managed Instances and Fargate providers. Specify one or the other and try again.",
    );
  }
  const name = context.capacity.choose(cluster.name, strategy);
  return { name, byStrategy: true, launchType: launchTypeOf(providers[0]) };
}

function associated(context: Context, cluster: Cluster, name: string): CapacityProvider {
  const provider = context.clusters.provider(name);
  if (provider === undefined) {
    throw invalidParameter(
      `The specified capacity provider '${name}' was not found. Specify a valid name or ARN and try again.`,
      "reference",
    );
  }
  if (!context.clusters.isAssociated(cluster, provider)) {
    throw invalidParameter(
      `The specified capacity provider strategy contains a capacity provider that is not associated with the cluster: ${name}. Associate the capacity provider with the cluster and try again.`,
      "reference",
    );
  }
  if (provider.status !== "ACTIVE") {
    throw invalidParameter(`The specified capacity provider '${name}' is not in an ACTIVE or UPDATING state.`, "reference");
  }
  return provider;
}

function launchTypeOf(provider: CapacityProvider | undefined): Placement["launchType"] {
  const type = provider?.type ?? "EC2_AUTOSCALING";
  return type === "EC2_AUTOSCALING" ? "EC2" : type;
}
