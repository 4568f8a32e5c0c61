import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../../src/kube/informer.ts";
import { renderRules } from "../alerts/promtool.ts";
import { startControlPlane } from "../cluster/control-plane.ts";
import { githubRunner } from "../sim/ecs/runner/github-runner.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import { type EventQueue, startEventQueue } from "../sim/sqs/event-queue.ts";
import { buildOperator } from "../support/built-operator.ts";
import { followRequests } from "../support/follow-requests.ts";
import { installCrds } from "../support/install-crds.ts";
import { applyAll, kubectlOf } from "../support/kubectl.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { makeRunDirectory } from "../support/run-directory.ts";
import { shippedNodeArgs } from "../support/shipped-options.ts";
import { organization, region, repositories, sceneObjects } from "./objects.ts";
import { type PrometheusServer, startPrometheus } from "./prometheus-server.ts";

const namespace = "default";

/** seriesLabels are those that the chart's monitors give to a pod's series. */
export const seriesLabels = { namespace: "getabako", job: "getabako", pod: "getabako-6f7c9d8b5-x2x7q" } as const;

/** scrapeSeconds is short, for the whole scene lasts minutes; the chart's monitors scrape every 30 s. */
export const scrapeSeconds = 5;

/** A start on Fargate, shortened: PROVISIONING and PENDING take ten times as long with a real image. */
const timings = { PROVISIONING: 2_000, PENDING: 4_000, ACTIVATING: 500, DEPROVISIONING: 1_000 };

/** Stage is what the scene plays on; close it to leave nothing behind. */
export interface Stage extends AsyncDisposable {
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly queue: EventQueue;
  readonly operator: OperatorProcess;
  readonly prometheus: PrometheusServer;
  readonly requests: Informer<RunnerRequest>;
  readonly directory: string;
  readonly kubectl: (args: readonly string[]) => Promise<string>;
  /** Keeps the directory with the logs when the stage is closed. */
  keepDirectory(): void;
}

/** setStage starts the API server, the simulators, the built operator and Prometheus, and applies the objects. */
export async function setStage(say: (line: string) => void, signal: AbortSignal): Promise<Stage> {
  await using building = new AsyncDisposableStack();
  const { directory, keep } = await makeRunDirectory("dashboard", building);

  const entry = await buildOperator(join(directory, "program"));
  const controlPlane = await startControlPlane({ report: say, ownServer: true });
  building.defer(() => controlPlane.stop());
  await installCrds(controlPlane);
  signal.throwIfAborted();

  const github = await startGitHubSim({ latencyMs: { token: 60, mint: 120, runner: 60, read: 40, webhook: 10 } });
  building.defer(() => github.close());
  github.addOrganization(organization);
  for (const repository of repositories) github.addRepository(repository, { private: true });
  github.install(organization);
  const queue = await startEventQueue({ region });
  building.defer(() => queue.close());
  const ecs = await startEcsSim({
    region,
    timings,
    throttle: true,
    runner: githubRunner(github),
    events: { sink: queue.sink },
  });
  building.defer(() => ecs.close());

  signal.throwIfAborted();
  const operator = await startOperator({
    entry,
    nodeArgs: await shippedNodeArgs(),
    kubeconfig: controlPlane.kubeconfig,
    namespace,
    identity: seriesLabels.pod,
    args: ["--watch-namespace", namespace],
    env: { AWS_ACCESS_KEY_ID: "AKIADASHBOARD", AWS_SECRET_ACCESS_KEY: randomBytes(20).toString("hex") },
    logFile: join(directory, "operator.log"),
  });
  building.defer(() => operator.kill());
  github.setReceivers([operator.webhookUrl]);
  const prometheus = building.use(
    await startPrometheus({
      directory: join(directory, "prometheus"),
      scrapeSeconds,
      target: new URL(operator.metricsUrl),
      labels: seriesLabels,
      rules: await renderRules({}, { matchers: `namespace="${seriesLabels.namespace}",job="${seriesLabels.job}"` }),
      report: say,
    }),
  );

  const kubectl = kubectlOf(controlPlane, ["-n", namespace]);
  const objects = sceneObjects({ github, ecs, queueUrl: queue.url });
  await applyAll(kubectl, objects);
  await kubectl(["wait", "--for=condition=Ready", "runnertargets", "web", "api", "shared", "--timeout=30s"]);
  signal.throwIfAborted();
  const requests = await followRequests(controlPlane.kubeconfig, namespace, building);
  const stage = building.move();
  return {
    github,
    ecs,
    queue,
    operator,
    prometheus,
    requests,
    directory,
    kubectl,
    keepDirectory: keep,
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}
