import { apiVersion } from "../../src/api/kind.ts";
import type { App } from "../sim/github/state/model.ts";

export const region = "ap-northeast-1";
/** cluster is one that every ECS simulator has. */
const cluster = "runners";
const className = "fargate";

/** Tenant is an organization with a GitHub App of its own: GitHub's limits are each App's. */
export interface Tenant {
  readonly name: string;
  readonly repository: string;
  readonly app: App;
}

/** secretOf is the Secret of a tenant's App. */
export function secretOf({ name, app }: Tenant): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    stringData: { "private-key.pem": app.keys[0]?.privateKey, "webhook-secret": app.hook.secret },
  };
}

/** appOf is the GitHubApp of a tenant. */
export function appOf({ name, app }: Tenant, apiUrl: string): object {
  return {
    apiVersion,
    kind: "GitHubApp",
    metadata: { name },
    spec: {
      apiUrl,
      appId: app.id,
      privateKeySecretRef: { name, key: "private-key.pem" },
      webhookSecretRefs: [{ name, key: "webhook-secret" }],
    },
  };
}

/** classOf is the one class of all tenants: on Fargate, on demand. */
export function classOf(endpoint: string, queueUrl: string | undefined): object {
  return {
    apiVersion,
    kind: "ECSRunnerClass",
    metadata: { name: className },
    spec: {
      region,
      cluster,
      endpoint,
      capacity: [{ name: "on-demand", providers: [{ name: "FARGATE" }] }],
      network: { subnets: ["subnet-a", "subnet-b"] },
      image: "ghcr.io/acme/runner:1",
      ...(queueUrl !== undefined && { events: { queueUrl } }),
    },
  };
}

/** targetOf is the RunnerTarget of a tenant, with a slot for each of its jobs. */
export function targetOf({ name }: Tenant, maxRunners: number): object {
  return {
    apiVersion,
    kind: "RunnerTarget",
    metadata: { name },
    spec: {
      githubAppRef: { name },
      scope: { organization: name },
      labels: ["self-hosted", "burst"],
      classRef: { name: className },
      maxRunners,
    },
  };
}
