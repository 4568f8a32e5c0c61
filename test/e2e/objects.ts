import { apiVersion } from "../../src/api/kind.ts";
import { ecsCluster, region } from "./ecs.ts";

/** teamNamespace is where the objects live that people write; the release has a namespace of its own. */
export const teamNamespace = "team-web";
/** webhookSecretName is a Secret of its own, so that pods that only take webhooks need no right to read keys. */
export const webhookSecretName = "github-webhook";
/** secretNames are the only Secrets that the operator may read. */
export const secretNames = ["github-app", webhookSecretName, "wrong-key"];
export const repository = "acme/web";

/** KubeObject is an object to apply. */
export type KubeObject = Readonly<Record<string, unknown>>;

const metadata = (name: string): KubeObject => ({ name, namespace: teamNamespace });

export function secret(name: string, stringData: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: "v1", kind: "Secret", metadata: metadata(name), stringData };
}

export function githubApp(
  name: string,
  facts: { readonly apiUrl: string; readonly appId: number; readonly keySecret: string; readonly key?: string },
): KubeObject {
  return {
    apiVersion,
    kind: "GitHubApp",
    metadata: metadata(name),
    spec: {
      apiUrl: facts.apiUrl,
      appId: facts.appId,
      privateKeySecretRef: { name: facts.keySecret, key: facts.key ?? "private-key.pem" },
      webhookSecretRefs: [{ name: webhookSecretName, key: "webhook-secret" }],
    },
  };
}

export function runnerClass(
  name: string,
  facts: { readonly endpoint: string; readonly image: string; readonly command: readonly string[] },
): KubeObject {
  return {
    apiVersion,
    kind: "ECSRunnerClass",
    metadata: metadata(name),
    spec: {
      region,
      cluster: ecsCluster,
      endpoint: facts.endpoint,
      capacity: [
        { name: "spot", providers: [{ name: "FARGATE_SPOT" }] },
        { name: "on-demand", providers: [{ name: "FARGATE" }] },
      ],
      network: { subnets: ["subnet-a", "subnet-c"], securityGroups: ["sg-1"] },
      image: facts.image,
      resources: { cpu: 0.25, memory: "512Mi" },
      // The emulator passes no entry point on, so the command is the whole one.
      container: { command: facts.command, environment: [{ name: "MINI_RUNNER_RETRY_MS", value: "200" }] },
    },
  };
}

export function runnerTarget(
  name: string,
  facts: {
    readonly labels: readonly string[];
    readonly classRef: string;
    readonly maxRunners: number;
    readonly overrides?: KubeObject;
  },
): KubeObject {
  return {
    apiVersion,
    kind: "RunnerTarget",
    metadata: metadata(name),
    spec: {
      githubAppRef: { name: "acme" },
      scope: { organization: "acme" },
      labels: facts.labels,
      classRef: { name: facts.classRef },
      maxRunners: facts.maxRunners,
      ...(facts.overrides !== undefined && { overrides: facts.overrides }),
    },
  };
}
