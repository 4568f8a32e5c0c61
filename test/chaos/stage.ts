import { randomBytes } from "node:crypto";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../../src/kube/informer.ts";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { type GitHubSim, startGitHubSim } from "../sim/github/sim.ts";
import type { Installation } from "../sim/github/state/model.ts";
import { followRequests } from "../support/follow-requests.ts";
import { until } from "../support/until.ts";
import type { Answers } from "./acknowledged.ts";
import { CapacityLog } from "./capacity-log.ts";
import { Fleet } from "./fleet.ts";
import { inspectableEnv } from "./heap.ts";
import { Harm } from "./harm.ts";
import { Journal } from "./journal.ts";
import { KubeApi } from "./kube-api.ts";
import { classNames, organization, repositories, targetNames } from "./layout.ts";
import { appObject, classObject, region, secretName, targetObject } from "./objects.ts";
import { LeaseRisks } from "./lease-risks.ts";
import { listenToAll } from "./listen.ts";
import { type Prank, trickyRunner } from "./pranks.ts";
import { Pulse } from "./pulse.ts";
import { RequestLog } from "./request-log.ts";
import type { Script } from "./script.ts";
import { type Stops, watchStops } from "./stops.ts";
import { Undos } from "./undos.ts";

/** Stage is the world of one script: simulators, namespace, operators, and everything that was seen of them. */
export interface Stage extends AsyncDisposable {
  readonly script: Script;
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly github: GitHubSim;
  readonly ecs: EcsSim;
  readonly fleet: Fleet;
  readonly api: KubeApi;
  readonly requests: Informer<RunnerRequest>;
  readonly journal: Journal;
  readonly capacity: CapacityLog;
  readonly harm: Harm;
  readonly leases: LeaseRisks;
  readonly undos: Undos;
  readonly pulse: Pulse;
  /** All versions of all requests. */
  readonly log: RequestLog;
  /** Answers to webhooks, and stops of tasks, judged when they came. */
  readonly answers: Answers;
  readonly stops: Stops;
  /** What the next runners will do instead of their work. */
  readonly pranks: Prank[];
  /** Names of runners that will never connect. */
  readonly sulking: Set<string>;
  /** Besides those that the simulated GitHub made up. */
  readonly secrets: readonly string[];
  installation: Installation;
}

/** StageOptions are what scripts share, and what the command line said. */
export interface StageOptions {
  readonly controlPlane: ControlPlane;
  readonly entry: string;
  readonly directory: string;
  readonly divisor: number;
  readonly logLevel: string;
}

/** Every state of a task lasts so long: a start takes a third of a second instead of half a minute. */
const taskTimes = { PROVISIONING: 120, PENDING: 150, ACTIVATING: 30, DEACTIVATING: 10, STOPPING: 10, DEPROVISIONING: 30 };

/** GitHub's own times, about as much shorter as the operator's. */
const githubTimes = {
  busyLagMs: 4_000,
  nameReuseMs: 1_500,
  lockMs: 6_000,
  acquireMs: 2_000,
  sessionMs: 2_000,
  // A day, so long that no run sees it: a registration that is left behind has to show.
  offlineReapMs: 3_600_000,
  webhookDeadlineMs: 2_000,
  tickMs: 100,
  latencyMs: { token: 10, mint: 15, runner: 10, read: 5 },
  limits: { windowMs: 4_000 },
};

/** setStage starts everything that a script needs, and resolves once its targets are Ready. */
export async function setStage(script: Script, options: StageOptions): Promise<Stage> {
  await using building = new AsyncDisposableStack();
  const { controlPlane, directory, divisor } = options;
  if (controlPlane.adminToken === undefined || controlPlane.servingCertificate === undefined) {
    throw new Error("chaos restarts its API server, so it needs one of its own");
  }
  const namespace = `chaos-${script.seed}-${randomBytes(3).toString("hex")}`;
  const journal = new Journal(Date.now());
  const api = new KubeApi(
    {
      server: controlPlane.server,
      token: controlPlane.adminToken,
      certificateAuthorityFile: controlPlane.servingCertificate.certificate,
    },
    namespace,
  );
  const { seed, assignment, idleReapMs } = script;
  const github = await startGitHubSim({ ...githubTimes, seed, assignment, ...(idleReapMs !== undefined && { idleReapMs }) });
  building.defer(() => github.close());
  github.addOrganization(organization);
  for (const [name, { private: isPrivate }] of Object.entries(repositories)) github.addRepository(name, { private: isPrivate });
  const harm = new Harm();
  const pranks: Prank[] = [];
  const sulking = new Set<string>();
  const ecs = await startEcsSim({
    region,
    timings: taskTimes,
    stopTimeoutMs: 500,
    runner: trickyRunner({ github, pranks, sulking, harm, journal }),
  });
  building.defer(() => ecs.close());
  const capacity = new CapacityLog(script.slots);
  ecs.onChange((task) => capacity.observe(task));
  const stops = watchStops({ ecs, github, harm });

  await api.createNamespace();
  await api.createSecret(secretName, {
    "private-key.pem": github.app.keys[0]?.privateKey ?? "",
    "webhook-secret": github.app.hook.secret ?? "",
  });
  await api.create("githubapps", appObject(github));
  for (const name of classNames) await api.create("ecsrunnerclasses", classObject(name, ecs.url));
  for (const name of targetNames) await api.create("runnertargets", targetObject(name, script));
  const installation = github.install(organization);

  // Before the operators: a machine that is slow while they start costs them a Lease as well.
  const pulse = new Pulse(api);
  building.defer(() => pulse.stop());

  const awsSecret = randomBytes(20).toString("hex");
  const fleet = await Fleet.start({
    controlPlane,
    namespace,
    entry: options.entry,
    args: ["--time-divisor", String(divisor), "--log-level", options.logLevel],
    env: { AWS_SECRET_ACCESS_KEY: awsSecret, ...(await inspectableEnv()) },
    directory,
    journal,
    onReceivers: (urls) => github.setReceivers(urls),
  });
  building.defer(() => fleet.close());
  pulse.watch(() => fleet.operators.flatMap(({ process }) => process?.pid ?? []));
  const requests = await followRequests(controlPlane.kubeconfig, namespace, building);
  const log = new RequestLog();
  requests.onChange((change) => log.observe(change));
  listenToAll({ github, ecs, requests, journal });
  await untilReady(api);
  const stage = building.move();
  return {
    script,
    controlPlane,
    namespace,
    github,
    ecs,
    fleet,
    api,
    requests,
    journal,
    capacity,
    harm,
    leases: new LeaseRisks(),
    undos: new Undos(journal),
    pulse,
    log,
    answers: { looks: 0, wrong: [] },
    stops,
    pranks,
    sulking,
    secrets: [awsSecret],
    installation,
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

async function untilReady(api: KubeApi): Promise<void> {
  await until("all targets are Ready", 60_000, async () => {
    const waiting = (await api.list("runnertargets")).filter((target) => !isReady(target));
    if (waiting.length > 0) throw new Error(JSON.stringify(waiting.map(({ metadata: { name }, status }) => ({ name, status }))));
  });
}

function isReady({ status }: Readonly<Record<string, unknown>>): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}
