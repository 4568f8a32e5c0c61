import { randomBytes } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { group } from "../src/api/kind.ts";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../src/kube/informer.ts";
import { type ControlPlane, startControlPlane } from "../test/cluster/control-plane.ts";
import { removalCommand, startJanitor } from "../test/cluster/guard.ts";
import { runCommand } from "../test/cluster/run-command.ts";
import { githubRunner } from "../test/sim/ecs/runner/github-runner.ts";
import { spawnRunner } from "../test/sim/ecs/runner/spawn.ts";
import type { RunnerHook } from "../test/sim/ecs/runner/types.ts";
import { startEcsSim } from "../test/sim/ecs/server.ts";
import type { EcsSim } from "../test/sim/ecs/sim.ts";
import { type GitHubSim, startGitHubSim } from "../test/sim/github/sim.ts";
import type { Installation } from "../test/sim/github/state/model.ts";
import { followRequests } from "../test/support/follow-requests.ts";
import { installCrds } from "../test/support/install-crds.ts";
import { type OperatorProcess, startOperator } from "../test/support/operator.ts";
import { adapt, readSamples, regionOf } from "./samples.ts";

const miniRunner = fileURLToPath(new URL("../test/sim/runner/mini-runner.ts", import.meta.url));

/** targetTag is the tag in which a task carries the name of its RunnerTarget. */
export const targetTag = `${group}/target`;
/** Its runners are processes that speak GitHub's protocol; those of the other targets live inside the simulator, which is faster. */
const targetOfProcesses = "large";

/** Stage is everything that the demo plays on; close it to leave nothing behind. */
export interface Stage extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly github: GitHubSim;
  readonly installation: Installation;
  readonly ecs: EcsSim;
  readonly operator: OperatorProcess;
  /** Follows the RunnerRequests as anybody could: with a watch of its own. */
  readonly requests: Informer<RunnerRequest>;
  /** Where logs and, after a failure, everything else that helps are written. */
  readonly directory: string;
  /** Besides those that the simulated GitHub made up. */
  readonly secrets: readonly string[];
  /** Runs kubectl in the demo's cluster. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** Keeps the directory when the stage is closed. */
  keepDirectory(): void;
}

/** StageOptions: `say` tells people what happens, and `signal` ends the set-up. */
export interface StageOptions {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** setStage starts the control plane, the simulators and the operator, and applies config/samples. */
export async function setStage({ say, signal }: StageOptions): Promise<Stage> {
  await using building = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "getabako-demo-"));
  // Also when this process is killed: only a mark in the directory keeps it.
  const script = 'directory=$1; shift; [ -e "$directory/.keep" ] || exec "$@"';
  const janitor = startJanitor(["/bin/sh", "-c", script, "remove", directory, ...removalCommand(directory)]);
  building.defer(() => janitor.run());

  const controlPlane = await startControlPlane({ report: say });
  building.defer(() => controlPlane.stop());
  signal.throwIfAborted();
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    runCommand(
      controlPlane.kubectlPath,
      ["--kubeconfig", controlPlane.kubeconfig, ...args],
      input === undefined ? {} : { input },
    );
  await installCrds(controlPlane);
  say("CRDs of crds/ are installed");

  // A cluster of our own has nothing else in it. In one that somebody lent the demo keeps to a namespace, and removes it.
  const lent = controlPlane.adminToken === undefined;
  const namespace = lent ? `getabako-demo-${randomBytes(3).toString("hex")}` : "default";
  const samples = readSamples();
  const github = await startGitHubSim({ latencyMs: { token: 60, mint: 120, runner: 60, read: 40, webhook: 10 } });
  building.defer(() => github.close());
  github.addOrganization("acme");
  for (const repository of ["acme/web", "acme/api"]) github.addRepository(repository, { private: true });
  const installation = github.install("acme");
  const ecs = await startEcsSim({
    region: regionOf(samples),
    timings: { PROVISIONING: 300, PENDING: 500, ACTIVATING: 100 },
    runner: runnerOf(github, join(directory, "runners.log")),
  });
  building.defer(() => ecs.close());
  say(`simulated GitHub at ${github.url}, simulated ECS at ${ecs.url}`);

  if (lent) await kubectl(["create", "namespace", namespace]);
  const awsSecret = randomBytes(20).toString("hex");
  signal.throwIfAborted();
  const startedAt = Date.now();
  const operator = await startOperator({
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
  const surroundings = { namespace, github: { apiUrl: github.url, appId: github.app.id }, ecs: { endpoint: ecs.url } };
  const objects = [secret, ...samples.map((sample) => adapt(sample, surroundings))];
  const applied = await kubectl(["apply", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  for (const line of applied.trim().split("\n")) say(`  ${line}`);
  await kubectl(["wait", "--for=condition=Ready", "runnertargets", "--all", "-n", namespace, "--timeout=30s"]);
  say("all RunnerTargets are Ready");
  signal.throwIfAborted();

  const requests = await followRequests(controlPlane.kubeconfig, namespace, building);
  const stage = building.move();
  return {
    controlPlane,
    namespace,
    github,
    installation,
    ecs,
    operator,
    requests,
    directory,
    secrets: [awsSecret],
    kubectl,
    keepDirectory: () => writeFileSync(join(directory, ".keep"), ""),
    [Symbol.asyncDispose]: () => stage.disposeAsync(),
  };
}

/** writeEvidence keeps what the simulators saw beside the logs. */
export async function writeEvidence({ directory, github, ecs, kubectl }: Stage): Promise<void> {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const journal = github
    .journal()
    .map(({ at, kind, job, runner, detail }) => ({ at, kind, job: job?.id, runner: runner?.name, detail }));
  await Promise.all([
    writeFile(
      join(directory, "github.json"),
      json({ report: github.report(), counters: github.counters(), violations: github.violations, journal }),
    ),
    writeFile(join(directory, "ecs.json"), json({ report: ecs.report(), calls: ecs.calls.list() })),
    kubectl(["get", "getabako,events", "-A", "-o", "yaml"]).then((text) => writeFile(join(directory, "objects.yaml"), text)),
  ]);
}

function runnerOf(github: GitHubSim, log: string): RunnerHook {
  const inside = githubRunner(github);
  const process_ = spawnRunner({
    command: [process.execPath, miniRunner],
    onLine: (task, line) => appendFileSync(log, `${task.id.slice(0, 8)} ${line}\n`),
  });
  return (task) => (task.tags[targetTag] === targetOfProcesses ? process_ : inside)(task);
}
