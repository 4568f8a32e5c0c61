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
import { type ApiError, isApiError } from "../kube/api-error.ts";
import { Client } from "../kube/client.ts";
import { Cluster } from "../kube/cluster.ts";
import { KubeMetrics } from "../kube/metrics.ts";
import type { KubeObject } from "../kube/object.ts";
import { defineResource } from "../kube/resource.ts";
import { silentLogger } from "../telemetry/log.ts";
import { Registry } from "../telemetry/metrics.ts";
import { version } from "./version.ts";

/** CannotRun says why a command could not even begin: exit code 2. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

/** connect opens the cluster that a command line means. @throws CannotRun when the kubeconfig cannot be used. */
export function connect(options: { readonly kubeconfig: string | undefined; readonly context: string | undefined }): Cluster {
  try {
    return Cluster.load({
      log: silentLogger(),
      metrics: new KubeMetrics(new Registry()),
      userAgent: `getabako-cli/${version}`,
      ...(options.kubeconfig !== undefined && { kubeconfig: options.kubeconfig }),
      ...(options.context !== undefined && { context: options.context }),
    });
  } catch (error) {
    // The texts are those of loadKubeConfig; what lies below may quote the file.
    throw new CannotRun(error instanceof Error ? error.message : "the kubeconfig cannot be used");
  }
}

/** Listing is every object of a kind, or why it could not be read. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly error?: ApiError;
}

/** Objects are all of getabako's objects of a namespace, or of all. */
export interface Objects {
  readonly apps: Listing<GitHubApp>;
  readonly classes: Listing<ECSRunnerClass>;
  readonly targets: Listing<RunnerTarget>;
  readonly requests: Listing<RunnerRequest>;
}

/**
 * readObjects lists the objects of all kinds; a kind that cannot be read is empty and says why. Apps and classes are those of all
 * namespaces where that is allowed, since the targets of one namespace may use those of another.
 */
export async function readObjects(cluster: Cluster, namespace: string | undefined, signal: AbortSignal): Promise<Objects> {
  const [apps, classes, targets, requests] = await Promise.all([
    listShared(new Client(cluster, defineResource<GitHubApp>(githubAppResource)), namespace, signal),
    listShared(new Client(cluster, defineResource<ECSRunnerClass>(ecsRunnerClassResource)), namespace, signal),
    listAll(new Client(cluster, defineResource<RunnerTarget>(runnerTargetResource)), namespace, signal),
    listAll(new Client(cluster, defineResource<RunnerRequest>(runnerRequestResource)), namespace, signal),
  ]);
  return { apps, classes, targets, requests };
}

async function listShared<T extends KubeObject>(
  client: Client<T>,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Listing<T>> {
  const all = await listAll(client, undefined, signal);
  return namespace !== undefined && all.error?.reason === "Forbidden" ? listAll(client, namespace, signal) : all;
}

const pageSize = 500;

async function listAll<T extends KubeObject>(
  client: Client<T>,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Listing<T>> {
  const items: T[] = [];
  try {
    for (let next: string | undefined; ; ) {
      const page = await client.list({ namespace, limit: pageSize, continue: next, signal });
      items.push(...page.items);
      next = page.continue;
      if (next === undefined) return { items };
    }
  } catch (error) {
    if (!isApiError(error)) throw error;
    return { items, error };
  }
}
