import type { DescribeCapacityProvidersRequest, DescribeClustersRequest } from "@aws-sdk/client-ecs";
import { invalidParameter } from "../api-error.ts";
import type { Operation } from "../context.ts";

/** describeClusters reads clusters by name or ARN; unknown ones are failures with the reason MISSING. */
export const describeClusters: Operation<DescribeClustersRequest> = (context, request) => {
  const references = request.clusters ?? ["default"];
  if (references.length > 100) {
    throw invalidParameter(`Clusters can have at most 100 items, got ${references.length}.`);
  }
  const clusters: unknown[] = [];
  const failures: unknown[] = [];
  for (const reference of references) {
    const cluster = context.clusters.find(reference);
    if (cluster === undefined) {
      failures.push({
        arn: reference.startsWith("arn:") ? reference : context.account.arn(`cluster/${reference}`),
        reason: "MISSING",
      });
      continue;
    }
    const tasks = context.tasks.all().filter((task) => task.cluster === cluster);
    clusters.push({
      clusterArn: cluster.arn,
      clusterName: cluster.name,
      status: cluster.status,
      registeredContainerInstancesCount: 0,
      runningTasksCount: tasks.filter((task) => task.lastStatus === "RUNNING").length,
      pendingTasksCount: tasks.filter((task) => ["PROVISIONING", "PENDING", "ACTIVATING"].includes(task.lastStatus)).length,
      activeServicesCount: 0,
      statistics: [],
      tags: [],
      settings: [],
      capacityProviders: cluster.capacityProviders,
      defaultCapacityProviderStrategy: cluster.defaultCapacityProviderStrategy,
    });
  }
  return { clusters, failures };
};

/** describeCapacityProviders reads AWS' two providers and the configured ones. */
export const describeCapacityProviders: Operation<DescribeCapacityProvidersRequest> = (context, request) => {
  const references = request.capacityProviders;
  const known =
    references === undefined ? context.clusters.providers() : references.flatMap((name) => context.clusters.provider(name) ?? []);
  const missing = (references ?? []).filter((name) => context.clusters.provider(name) === undefined);
  return {
    capacityProviders: known.map((provider) => ({
      capacityProviderArn: provider.arn,
      name: provider.name,
      status: provider.status,
      type: provider.type === "FARGATE" ? provider.name : provider.type,
      tags: [],
    })),
    failures: missing.map((name) => ({ arn: context.account.arn(`capacity-provider/${name}`), reason: "MISSING" })),
  };
};
