import type { DescribeCapacityProvidersRequest, DescribeClustersRequest } from "@aws-sdk/client-ecs";
import { invalidParameter } from "../api-error.ts";
import type { Operation } from "../context.ts";
import type { CapacityProvider } from "../state/clusters.ts";
import { page } from "./page.ts";

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

/**
 * describeCapacityProviders reads AWS' two providers and the configured ones, ten at a time unless fewer are asked for; with a cluster,
 * those that can be used in it.
 */
export const describeCapacityProviders: Operation<DescribeCapacityProvidersRequest> = (context, request) => {
  const { clusters, account } = context;
  const references = request.capacityProviders ?? [];
  if (references.length > 100) {
    throw invalidParameter(`CapacityProviders can have at most 100 items, got ${references.length}.`);
  }
  const cluster = request.cluster === undefined ? undefined : clusters.get(request.cluster);
  const inCluster = clusters.providers().filter((provider) => cluster === undefined || clusters.isAssociated(cluster, provider));
  const called = (reference: string): CapacityProvider | undefined =>
    inCluster.find(({ name, arn }) => name === reference || arn === reference);
  const found = references.length === 0 ? inCluster : references.flatMap((reference) => called(reference) ?? []);
  const ordered = found.map(({ arn }) => arn);
  const { items, nextToken } = page(ordered, ordered, { maxResults: 10, ...request });
  const shown = found.filter(({ arn }) => items.includes(arn));
  return {
    capacityProviders: shown.map((provider) => ({
      capacityProviderArn: provider.arn,
      name: provider.name,
      status: provider.status,
      type: provider.type === "FARGATE" ? provider.name : provider.type,
      ...(provider.cluster === undefined ? {} : { cluster: provider.cluster }),
      tags: [],
    })),
    failures: references
      .filter((reference) => called(reference) === undefined)
      .map((name) => ({ arn: account.arn(`capacity-provider/${name}`), reason: "MISSING" })),
    ...(nextToken === undefined ? {} : { nextToken }),
  };
};
