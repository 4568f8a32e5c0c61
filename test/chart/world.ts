import { apiVersion } from "../../src/api/kind.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";

/** World is what an operator works with: GitHub, ECS, and the objects of a team. */
export interface World {
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  /** The Secret, App, class and target in a namespace. */
  objects(namespace: string): object[];
  close(): Promise<void>;
}

/** startWorld starts both simulators with one repository, acme/web. */
export async function startWorld(): Promise<World> {
  const github = await startGitHubSim();
  github.addRepository("acme/web", { private: true });
  github.install("acme");
  const ecs = await startEcsSim({ region: "ap-northeast-1", timings: 20, runner: githubRunner(github) });
  return {
    github,
    ecs,
    objects: (namespace) => [
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "github-app", namespace },
        stringData: { "private-key.pem": github.app.keys[0]?.privateKey, "webhook-secret": github.app.hook.secret },
      },
      {
        apiVersion,
        kind: "GitHubApp",
        metadata: { name: "acme", namespace },
        spec: {
          apiUrl: github.url,
          appId: github.app.id,
          privateKeySecretRef: { name: "github-app", key: "private-key.pem" },
          webhookSecretRefs: [{ name: "github-app", key: "webhook-secret" }],
        },
      },
      {
        apiVersion,
        kind: "ECSRunnerClass",
        metadata: { name: "fargate", namespace },
        spec: {
          region: "ap-northeast-1",
          cluster: "runners",
          endpoint: ecs.url,
          capacity: [{ name: "spot", providers: [{ name: "FARGATE_SPOT" }] }],
          network: { subnets: ["subnet-a"] },
          image: "ghcr.io/acme/runner:1",
        },
      },
      {
        apiVersion,
        kind: "RunnerTarget",
        metadata: { name: "web", namespace },
        spec: {
          githubAppRef: { name: "acme" },
          scope: { organization: "acme" },
          labels: ["self-hosted", "ecs"],
          classRef: { name: "fargate" },
          // Gone at once: deleting what has expired is work that needs a right as well.
          history: { succeeded: "0s", failed: "0s" },
        },
      },
    ],
    async close() {
      await Promise.all([github.close(), ecs.close()]);
    },
  };
}
