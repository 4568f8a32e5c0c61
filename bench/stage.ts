import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import type { Informer } from "../src/kube/informer.ts";
import { type ControlPlane, startControlPlane } from "../test/cluster/control-plane.ts";
import { followRequests } from "../test/support/follow-requests.ts";
import { installCrds } from "../test/support/install-crds.ts";
import { applyAll, type Kubectl, kubectlOf } from "../test/support/kubectl.ts";
import { type OperatorProcess, startOperator } from "../test/support/operator.ts";
import type { BenchOptions } from "./options.ts";
import { type RawApi, rawApi } from "./raw-api.ts";
import { makeRunDirectory } from "../test/support/run-directory.ts";
import { shippedNodeArgs } from "../test/support/shipped-options.ts";
import { objectsOf, startWorld, type TargetOptions, type World } from "./world.ts";

/** namespace is where everything of a run is; each run has a control plane of its own. */
export const namespace = "default";

/** requestsPath is where RunnerRequests are at the API server. */
export const requestsPath = `/apis/getabako.dev/v1alpha1/namespaces/${namespace}/runnerrequests`;

/** Stage is what a scenario plays on: a fresh control plane, fresh simulators, and the operator as it is shipped. */
export interface Stage extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly world: World;
  readonly api: RawApi;
  readonly options: BenchOptions;
  /** Everything by ten where only the bench itself is tried. */
  readonly scale: (count: number) => number;
  /** Follows the RunnerRequests with a watch of its own. */
  readonly requests: Informer<RunnerRequest>;
  /** Starts the operator and gives it the world's webhooks. */
  startOperator(args?: readonly string[]): Promise<OperatorProcess>;
  /** Applies the world's Apps, class and targets, and waits until they are Ready. */
  applyObjects(options?: Partial<TargetOptions> & { readonly wait?: boolean }): Promise<void>;
  readonly kubectl: Kubectl;
}

/** StageNeeds is what a scenario asks for. */
export interface StageNeeds {
  readonly entry: string;
  readonly options: BenchOptions;
  readonly label: string;
  /** GitHub's limits hold for an App: a burst needs several. */
  readonly teams: number;
  /** Milliseconds until a task runs. */
  readonly taskStartMs?: number | undefined;
}

/** setStage builds a stage; dispose of it to leave nothing behind. */
export async function setStage({ entry, options, label, teams, taskStartMs }: StageNeeds): Promise<Stage> {
  await using building = new AsyncDisposableStack();
  const { directory } = await makeRunDirectory("bench", building);
  const controlPlane = await startControlPlane({ ownServer: true });
  building.defer(() => controlPlane.stop());
  const { kubeconfig, adminToken = "" } = controlPlane;
  const kubectl = kubectlOf(controlPlane);
  await installCrds(controlPlane);
  const world = await startWorld(teams, { ...options, taskStartMs });
  building.defer(() => world[Symbol.asyncDispose]());
  const api = rawApi(kubeconfig, adminToken, 64);
  building.defer(() => api.close());
  const requests = await followRequests(kubeconfig, namespace, building);
  const nodeOptions = await shippedNodeArgs();
  let started = 0;
  const stack = building.move();
  return {
    controlPlane,
    world,
    api,
    options,
    requests,
    kubectl,
    scale: (count) => (options.small ? Math.max(1, Math.round(count / 10)) : count),
    async startOperator(args = []) {
      started += 1;
      const nodeArgs = [...nodeOptions];
      if (options.profile !== undefined) {
        await mkdir(options.profile, { recursive: true });
        nodeArgs.push("--cpu-prof", `--cpu-prof-dir=${options.profile}`, `--cpu-prof-name=${label}-${started}.cpuprofile`);
        nodeArgs.push(`--diagnostic-dir=${options.profile}`, "--heapsnapshot-signal=SIGUSR2");
      }
      const operator = await startOperator({
        entry,
        nodeArgs,
        kubeconfig,
        namespace,
        identity: "bench",
        // Without throttles the operator must not keep to them either: AWS' usual ones are 20 launches a second on Fargate.
        args: ["--watch-namespace", namespace, ...(options.throttle ? [] : ["--aws-rate-factor", "100"]), ...args],
        env: {
          AWS_ACCESS_KEY_ID: "AKIABENCH",
          AWS_SECRET_ACCESS_KEY: "bench",
          ...(process.env["TZ"] !== undefined && { TZ: process.env["TZ"] }),
        },
        logFile: join(directory, `operator-${started}.log`),
      });
      // One that lost its Lease to a machine without time for it ends, and nothing that is waited for comes any more.
      void operator.exited.then((code) => {
        if (code !== 0 && code !== 137)
          process.stderr.write(`[bench] the operator ended by itself (${code}):\n${operator.log.slice(-5).join("\n")}\n`);
      });
      stack.defer(async () => {
        // Node handles signals in their order: the snapshot of what it holds, then the end, at which it writes the profile.
        if (options.profile !== undefined && isRunning(operator.pid)) process.kill(operator.pid, "SIGUSR2");
        await operator.stop(60_000).catch(() => operator.kill());
      });
      for (const { app } of world.teams) world.github.setReceivers([operator.webhookUrl], app);
      return operator;
    },
    async applyObjects({ maxRunners = 10_000, history = "1h", wait = true } = {}) {
      await applyAll(kubectl, objectsOf(world, namespace, { maxRunners, history }));
      if (!wait) return;
      await kubectl(["wait", "--for=condition=Ready", "runnertargets", "--all", "-n", namespace, "--timeout=60s"]);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
