import { apiVersion } from "../../src/api/kind.ts";
import type { GitHubSim } from "../sim/github/sim.ts";
import { type ClassName, type TargetName, targets } from "./layout.ts";
import { jobTimeoutMs, type Script } from "./script.ts";

export const region = "ap-northeast-1";
/** cluster is one that every ECS simulator has. */
export const cluster = "runners";
export const secretName = "github-app";
const appName = "acme";

/** idleTimeoutMs is timeouts.idle of every target. */
export const idleTimeoutMs = 6_000;

/** appObject is the GitHubApp. */
export function appObject(github: GitHubSim): object {
  return {
    apiVersion,
    kind: "GitHubApp",
    metadata: { name: appName },
    spec: {
      apiUrl: github.url,
      appId: github.app.id,
      privateKeySecretRef: { name: secretName, key: "private-key.pem" },
      webhookSecretRefs: [{ name: secretName, key: "webhook-secret" }],
    },
  };
}

/** classObject is a class: `spot` has a ladder of two rungs, `solid` runs on demand only. */
export function classObject(name: ClassName, endpoint: string): object {
  const onDemand = { name: "on-demand", providers: [{ name: "FARGATE" }] };
  const spot = { name: "spot", providers: [{ name: "FARGATE_SPOT" }] };
  return {
    apiVersion,
    kind: "ECSRunnerClass",
    metadata: { name },
    spec: {
      region,
      cluster,
      endpoint,
      capacity: name === "spot" ? [spot, onDemand] : [onDemand],
      network: { subnets: ["subnet-a", "subnet-b"] },
      image: "ghcr.io/acme/runner:1",
      sizes: [{ name: "large", cpu: 2, memory: "8Gi" }],
    },
  };
}

/** targetObject is a RunnerTarget with deadlines of seconds. Attempts are many, since a script breaks more of them than a year does. */
export function targetObject(name: TargetName, { slots }: Pick<Script, "slots">): object {
  const { scope, labels, match, repositories, overrides, classRef } = targets[name];
  return {
    apiVersion,
    kind: "RunnerTarget",
    metadata: { name },
    spec: {
      githubAppRef: { name: appName },
      scope,
      labels,
      match,
      ...(repositories !== undefined && { repositories }),
      ...(overrides !== undefined && { overrides }),
      classRef: { name: classRef },
      maxRunners: slots[name],
      timeouts: { launch: "6s", registration: "4s", idle: `${idleTimeoutMs}ms`, job: `${jobTimeoutMs}ms` },
      attempts: 12,
      history: { succeeded: "1h", failed: "1h" },
    },
  };
}
