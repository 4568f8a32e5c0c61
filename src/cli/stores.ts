import type { ECSRunnerClass } from "../api/v1alpha1/ecs-runner-class.ts";
import type { GitHubApp } from "../api/v1alpha1/github-app.ts";
import {
  ecsRunnerClassResource,
  githubAppResource,
  runnerRequestResource,
  runnerTargetResource,
} from "../api/v1alpha1/resources.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import { byTaker, byTarget } from "../controllers/runner-request/controller.ts";
import { targetKeyOf } from "../controllers/runner-request/world.ts";
import { githubAppIndexes, runnerRequestIndexes } from "../intake/indexes.ts";
import { Client } from "../kube/client.ts";
import type { Cluster } from "../kube/cluster.ts";
import { Informer } from "../kube/informer.ts";
import type { KubeMetrics } from "../kube/metrics.ts";
import { type DeepReadonly, keyText } from "../kube/object.ts";
import { defineResource } from "../kube/resource.ts";
import type { Logger } from "../telemetry/log.ts";

/** byUid is the index of requests by their uid: what a provider lists names its request by that. */
export const byUid = "uid";

/** Stores are the clients and local copies of getabako's kinds. */
export interface Stores {
  readonly apps: { readonly client: Client<GitHubApp>; readonly informer: Informer<GitHubApp> };
  readonly classes: { readonly client: Client<ECSRunnerClass>; readonly informer: Informer<ECSRunnerClass> };
  readonly targets: { readonly client: Client<RunnerTarget>; readonly informer: Informer<RunnerTarget> };
  readonly requests: { readonly client: Client<RunnerRequest>; readonly informer: Informer<RunnerRequest> };
}

/** createStores makes an informer for each kind, of all namespaces or of those that are named; the caller runs them. */
export function createStores(
  cluster: Cluster,
  log: Logger,
  metrics: KubeMetrics,
  namespace?: string | readonly string[],
): Stores {
  const shared = { log, metrics, ...(namespace !== undefined && { namespace }) };
  const apps = new Client(cluster, defineResource<GitHubApp>(githubAppResource));
  const classes = new Client(cluster, defineResource<ECSRunnerClass>(ecsRunnerClassResource));
  const targets = new Client(cluster, defineResource<RunnerTarget>(runnerTargetResource));
  const requests = new Client(cluster, defineResource<RunnerRequest>(runnerRequestResource));
  return {
    apps: { client: apps, informer: new Informer({ ...shared, client: apps, indexes: githubAppIndexes }) },
    classes: { client: classes, informer: new Informer({ ...shared, client: classes }) },
    targets: { client: targets, informer: new Informer({ ...shared, client: targets }) },
    requests: {
      client: requests,
      informer: new Informer({
        ...shared,
        client: requests,
        indexes: {
          ...runnerRequestIndexes,
          [byTarget]: (request) => [keyText(targetKeyOf(request))],
          [byTaker]: takersOf,
          [byUid]: (request) => [request.metadata.uid ?? ""],
        },
      }),
    },
  };
}

/** The runner that has a request's job, where it is another request's. */
function takersOf({ metadata, status }: DeepReadonly<RunnerRequest>): string[] {
  const runnerName = status?.job?.runnerName;
  return runnerName === undefined ? [] : [`${metadata.namespace}/${runnerName}`];
}
