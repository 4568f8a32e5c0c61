import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../src/kube/informer.ts";
import { type ControlPlane, startControlPlane } from "../test/cluster/control-plane.ts";
import { type GitHubSim, startGitHubSim } from "../test/sim/github/sim.ts";
import type { Installation } from "../test/sim/github/state/model.ts";
import { followRequests } from "../test/support/follow-requests.ts";
import { installCrds } from "../test/support/install-crds.ts";
import { applyAll, type Kubectl, kubectlOf } from "../test/support/kubectl.ts";
import { type OperatorProcess, startOperator } from "../test/support/operator.ts";
import { makeRunDirectory } from "../test/support/run-directory.ts";
import { adapt, type EcsSurroundings, type Sample } from "./samples.ts";

/** Ground is what any demo stands on: an API server with the samples in it, a simulated GitHub, and the operator. */
export interface Ground extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly github: GitHubSim;
  readonly installation: Installation;
  readonly operator: OperatorProcess;
  /** Follows the RunnerRequests as anybody could: with a watch of its own. */
  readonly requests: Informer<RunnerRequest>;
  /** Where logs and, after a failure, everything else that helps are written. */
  readonly directory: string;
  /** Besides those that the simulated GitHub made up. */
  readonly secrets: readonly string[];
  /** Runs kubectl in the demo's cluster. */
  readonly kubectl: Kubectl;
  /** Keeps the directory when the ground is closed. */
  keepDirectory(): void;
}

/** GroundOptions: `say` tells people what happens, and `signal` ends the set-up. */
export interface GroundOptions {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly samples: readonly Sample[];
  /** Where GitHub is reached by runners; this machine's loopback address if absent. */
  readonly githubHost?: string;
  /** Builds the operator below a directory, and says which file it is; the sources' main module if absent. */
  readonly entry?: (directory: string) => Promise<string>;
  /** Says where ECS is, once there are a GitHub for its runners and a directory for its logs; what it starts is removed before them. */
  readonly ecs: (facts: {
    readonly github: GitHubSim;
    readonly directory: string;
    readonly building: AsyncDisposableStack;
  }) => Promise<EcsSurroundings>;
}

/** setGround starts the control plane, GitHub, ECS and the operator, and applies config/samples. */
export async function setGround({ say, signal, samples, githubHost, entry, ecs }: GroundOptions): Promise<Ground> {
  await using building = new AsyncDisposableStack();
  const { directory, keep } = await makeRunDirectory("demo", building);

  const controlPlane = await startControlPlane({ report: say });
  building.defer(() => controlPlane.stop());
  signal.throwIfAborted();
  const kubectl = kubectlOf(controlPlane);
  await installCrds(controlPlane);
  say("CRDs of crds/ are installed");

  // A cluster of our own has nothing else in it. In one that somebody lent the demo keeps to a namespace, and removes it.
  const lent = controlPlane.adminToken === undefined;
  const namespace = lent ? `getabako-demo-${randomBytes(3).toString("hex")}` : "default";
  const github = await startGitHubSim({
    ...(githubHost !== undefined && { host: githubHost }),
    latencyMs: { token: 60, mint: 120, runner: 60, read: 40, webhook: 10 },
  });
  building.defer(() => github.close());
  github.addOrganization("acme");
  for (const repository of ["acme/web", "acme/api"]) github.addRepository(repository, { private: true });
  const installation = github.install("acme");
  const surroundingEcs = await ecs({ github, directory, building });

  if (lent) await kubectl(["create", "namespace", namespace]);
  const awsSecret = randomBytes(20).toString("hex");
  signal.throwIfAborted();
  const program = await entry?.(directory);
  const startedAt = Date.now();
  const operator = await startOperator({
    ...(program !== undefined && { entry: program }),
    kubeconfig: controlPlane.kubeconfig,
    namespace,
    identity: "demo",
    args: ["--watch-namespace", namespace],
    env: { AWS_ACCESS_KEY_ID: "AKIADEMO", AWS_SECRET_ACCESS_KEY: awsSecret },
    logFile: join(directory, "operator.log"),
  });
  building.defer(() => operator.kill());
  // While the operator still runs, for it lets go of what an interrupted demo leaves in the middle of its life.
  if (lent) building.defer(async () => void (await kubectl(["delete", "namespace", namespace, "--timeout=60s"])));
  github.setReceivers([operator.webhookUrl]);
  say(
    `operator: process ${operator.pid}, ready after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s, webhooks at ${operator.webhookUrl}`,
  );

  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "github-app", namespace },
    stringData: { "private-key.pem": github.app.keys[0]?.privateKey, "webhook-secret": github.app.hook.secret },
  };
  const surroundings = { namespace, github: { apiUrl: github.url, appId: github.app.id }, ecs: surroundingEcs };
  const objects = [secret, ...samples.map((sample) => adapt(sample, surroundings))];
  const applied = await applyAll(kubectl, objects);
  for (const line of applied.trim().split("\n")) say(`  ${line}`);
  await kubectl(["wait", "--for=condition=Ready", "runnertargets", "--all", "-n", namespace, "--timeout=30s"]);
  say("all RunnerTargets are Ready");
  signal.throwIfAborted();

  const requests = await followRequests(controlPlane.kubeconfig, namespace, building);
  const all = building.move();
  return {
    controlPlane,
    namespace,
    github,
    installation,
    operator,
    requests,
    directory,
    secrets: [awsSecret],
    kubectl,
    keepDirectory: keep,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
