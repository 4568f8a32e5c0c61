import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../../src/kube/informer.ts";
import { type ControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { startEventQueue } from "../sim/sqs/event-queue.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { buildOperator } from "../support/built-operator.ts";
import { followRequests } from "../support/follow-requests.ts";
import { installCrds } from "../support/install-crds.ts";
import { applyAll, kubectlOf } from "../support/kubectl.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { makeRunDirectory } from "../support/run-directory.ts";
import { shippedNodeArgs } from "../support/shipped-options.ts";
import { appOf, classOf, region, secretOf, targetOf, type Tenant } from "./objects.ts";

const namespace = "default";
/**
 * The operator registers up to 180 runners in 65 s through one App, ten of which it keeps for removals (src/github/write-pacer.ts). With
 * fewer jobs than that for each App, GitHub's limit is out of the way, and AWS' is the one that is measured.
 */
export const jobsPerApp = 150;

/** A start on Fargate, shortened to a third: what is measured are calls, and they are made at the operator's own pace. */
const timings = { PROVISIONING: 3_000, PENDING: 6_000, ACTIVATING: 500, DEPROVISIONING: 1_000 };

/** Stage is what the burst plays on; close it to leave nothing behind. */
export interface Stage extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly operator: OperatorProcess;
  readonly requests: Informer<RunnerRequest>;
  readonly tenants: readonly Tenant[];
  readonly directory: string;
  /** Keeps the directory with the operator's log when the stage is closed. */
  keepDirectory(): void;
}

/** StageOptions: `say` tells people what happens, and `signal` ends the set-up. */
export interface StageOptions {
  readonly jobs: number;
  /** Tasks' changes come through a queue. */
  readonly events: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** setStage starts the API server, the simulators and the built operator, and resolves once all targets are Ready. */
export async function setStage({ jobs, events, say, signal }: StageOptions): Promise<Stage> {
  await using building = new AsyncDisposableStack();
  const { directory, keep } = await makeRunDirectory("burst", building);

  const entry = await buildOperator(join(directory, "program"));
  const controlPlane = await startControlPlane({ report: say, ownServer: true });
  building.defer(() => controlPlane.stop());
  await installCrds(controlPlane);
  signal.throwIfAborted();

  const github = await startGitHubSim({
    latencyMs: { token: 60, mint: 120, runner: 60, read: 40, webhook: 10 },
    limits: { core: 1_000_000, actions_runner_registration: 1_000_000 },
  });
  building.defer(() => github.close());
  const tenants = Array.from({ length: Math.ceil(jobs / jobsPerApp) }, (_, index): Tenant => {
    const name = `org-${index + 1}`;
    const app = github.addApp({ slug: `runners-${name}` });
    github.addOrganization(name);
    github.addRepository(`${name}/app`, { private: true });
    github.install(name, { app });
    return { name, repository: `${name}/app`, app };
  });
  const queue = events ? await startEventQueue({ region }) : undefined;
  if (queue !== undefined) building.defer(() => queue.close());
  const ecs = await startEcsSim({
    region,
    timings,
    throttle: true,
    runner: githubRunner(github),
    ...(queue !== undefined && { events: { sink: queue.sink } }),
  });
  building.defer(() => ecs.close());

  signal.throwIfAborted();
  const operator = await startOperator({
    entry,
    nodeArgs: await shippedNodeArgs(),
    kubeconfig: controlPlane.kubeconfig,
    namespace,
    identity: "burst",
    // One process, so nobody can be leader beside it; a machine that starves it of time for some seconds would end it otherwise.
    args: ["--watch-namespace", namespace, "--leader-election", "false"],
    env: { AWS_ACCESS_KEY_ID: "AKIABURST", AWS_SECRET_ACCESS_KEY: randomBytes(20).toString("hex") },
    logFile: join(directory, "operator.log"),
  });
  building.defer(() => operator.kill());
  for (const { app } of tenants) github.setReceivers([operator.webhookUrl], app);

  const kubectl = kubectlOf(controlPlane, ["-n", namespace]);
  const objects = [
    classOf(ecs.url, queue?.url),
    ...tenants.flatMap((tenant) => [secretOf(tenant), appOf(tenant, github.url), targetOf(tenant, jobs)]),
  ];
  await applyAll(kubectl, objects);
  await kubectl(["wait", "--for=condition=Ready", "runnertargets", "--all", "--timeout=30s"]);
  signal.throwIfAborted();
  const requests = await followRequests(controlPlane.kubeconfig, namespace, building);
  const stage = building.move();
  return {
    controlPlane,
    github,
    ecs,
    operator,
    requests,
    tenants,
    directory,
    keepDirectory: keep,
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}
