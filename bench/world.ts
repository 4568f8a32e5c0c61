import { apiVersion } from "../src/api/kind.ts";
import { startEcsSim } from "../test/sim/ecs/server.ts";
import type { EcsSim } from "../test/sim/ecs/sim.ts";
import { githubRunner } from "../test/sim/ecs/runner/github-runner.ts";
import { type GitHubSim, startGitHubSim } from "../test/sim/github/sim.ts";
import type { App } from "../test/sim/github/state/model.ts";
import type { BenchOptions } from "./options.ts";

/** The simulators' Region and cluster. */
export const region = "ap-northeast-1";
export const cluster = "runners";

/** Team is an organization with an App of its own: GitHub's limits hold for each App, and one would hide what the operator can do. */
export interface Team {
  readonly organization: string;
  readonly repository: string;
  readonly app: App;
  readonly installation: { readonly id: number };
}

/** World is the outside: simulated GitHub and ECS in this process. */
export interface World extends AsyncDisposable {
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly teams: readonly Team[];
}

/**
 * Milliseconds until a task runs where a scenario says nothing else, and how long its job takes. Short, so that whole lives of jobs pass in
 * seconds, but longer than an event of GitHub is on its way: a runner that is gone before anybody heard of its job is a case of its own, and
 * costs more calls.
 */
const startMs = 300;
export const jobMs = 300;

/** startWorld starts the simulators. */
export async function startWorld(
  teams: number,
  {
    latencyMs,
    throttle,
    taskStartMs = startMs,
  }: Pick<BenchOptions, "latencyMs" | "throttle"> & { readonly taskStartMs?: number | undefined },
): Promise<World> {
  await using building = new AsyncDisposableStack();
  const { github: ms } = latencyMs;
  const github = await startGitHubSim({
    latencyMs: { token: ms, mint: ms, runner: ms, read: ms, webhook: 0 },
    limits: { core: 1_000_000, actions_runner_registration: 1_000_000, status: 403, windowMs: 3_600_000 },
  });
  building.defer(() => github.close());
  const made = Array.from({ length: teams }, (_, index): Team => {
    const organization = `acme${index}`;
    const app = index === 0 ? github.app : github.addApp({ slug: `getabako-${index}` });
    github.addOrganization(organization);
    github.addRepository(`${organization}/web`, { private: true });
    const installation = github.install(organization, { app });
    return { organization, repository: `${organization}/web`, app, installation };
  });
  const ecs = await startEcsSim({ region, throttle, timings: { PENDING: taskStartMs }, runner: githubRunner(github) });
  building.defer(() => ecs.close());
  if (latencyMs.ecs > 0)
    ecs.faults.add({ kind: "delay", ms: latencyMs.ecs }, { operation: "*", times: Number.POSITIVE_INFINITY });
  const stack = building.move();
  return { github, ecs, teams: made, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** TargetOptions are what scenarios set of the targets. */
export interface TargetOptions {
  readonly maxRunners: number;
  /** How long finished requests stay, as in a RunnerTarget. */
  readonly history: string;
}

/** objectsOf are the objects that people would write for a world. */
export function objectsOf({ github, ecs, teams }: World, namespace: string, { maxRunners, history }: TargetOptions): object[] {
  const cls = {
    apiVersion,
    kind: "ECSRunnerClass",
    metadata: { name: "fargate", namespace },
    spec: {
      region,
      cluster,
      endpoint: ecs.url,
      capacity: [{ name: "on-demand", providers: [{ name: "FARGATE" }] }],
      network: { subnets: ["subnet-a"] },
      image: "ghcr.io/acme/runner:1",
    },
  };
  return [
    cls,
    ...teams.flatMap(({ organization, app }) => [
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: organization, namespace },
        stringData: { "private-key.pem": app.keys[0]?.privateKey, "webhook-secret": app.hook.secret },
      },
      {
        apiVersion,
        kind: "GitHubApp",
        metadata: { name: organization, namespace },
        spec: {
          apiUrl: github.url,
          appId: app.id,
          privateKeySecretRef: { name: organization, key: "private-key.pem" },
          webhookSecretRefs: [{ name: organization, key: "webhook-secret" }],
        },
      },
      {
        apiVersion,
        kind: "RunnerTarget",
        metadata: { name: organization, namespace },
        spec: {
          githubAppRef: { name: organization },
          scope: { organization },
          labels: ["self-hosted", "linux", "x64", "ecs"],
          classRef: { name: "fargate" },
          maxRunners,
          history: { succeeded: history, failed: history },
        },
      },
    ]),
  ];
}
