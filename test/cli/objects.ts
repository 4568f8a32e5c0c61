import type { EcsSim } from "../sim/ecs/sim.ts";
import type { GitHubSim } from "../sim/github/sim.ts";
import { namespace } from "./places.ts";

/** ours are the objects that a person writes for a healthy installation: an App with its Secret, a class and a target. */
export function ours(github: GitHubSim, ecs: EcsSim): object[] {
  const apiVersion = "getabako.dev/v1alpha1";
  const metadata = (name: string) => ({ name, namespace });
  const data = { "private-key.pem": github.app.keys[0]?.privateKey ?? "", "webhook-secret": github.app.hook.secret ?? "" };
  return [
    { apiVersion: "v1", kind: "Secret", metadata: metadata("github-app"), stringData: data },
    {
      apiVersion,
      kind: "GitHubApp",
      metadata: metadata("acme"),
      spec: {
        url: github.url,
        apiUrl: github.url,
        appId: github.app.id,
        privateKeySecretRef: { name: "github-app", key: "private-key.pem" },
        webhookSecretRefs: [{ name: "github-app", key: "webhook-secret" }],
      },
    },
    {
      apiVersion,
      kind: "ECSRunnerClass",
      metadata: metadata("fargate"),
      spec: {
        region: ecs.region,
        endpoint: ecs.url,
        cluster: "runners",
        capacity: [
          { name: "spot", providers: [{ name: "FARGATE_SPOT" }] },
          { name: "on-demand", providers: [{ name: "FARGATE" }] },
        ],
        network: { subnets: ["subnet-0a1", "subnet-0c3"], securityGroups: ["sg-0c3"] },
        image: "ghcr.io/actions/actions-runner:2.336.0",
        images: [{ name: "node-22", image: "ghcr.io/acme/runner-node:22-2.336.0" }],
        resources: { cpu: 2, memory: "4Gi" },
        sizes: [{ name: "large", cpu: 8, memory: "32Gi", disk: "100Gi" }],
        executionRoleArn: "arn:aws:iam::123456789012:role/ecs-execution",
      },
    },
    {
      apiVersion,
      kind: "RunnerTarget",
      metadata: metadata("acme"),
      spec: {
        githubAppRef: { name: "acme" },
        scope: { organization: "acme" },
        labels: ["self-hosted", "linux", "x64", "ecs"],
        classRef: { name: "fargate" },
        maxRunners: 50,
        overrides: { size: {}, cpu: { max: 8 }, memory: { max: "32Gi" }, disk: { max: "100Gi" }, image: { allow: ["node-*"] } },
      },
    },
  ];
}
