import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ControlPlane, Report } from "./control-plane.ts";
import { removalCommand, startJanitor } from "./guard.ts";
import { findOnPath } from "./locate.ts";
import { runCommand } from "./run-command.ts";

/** useExistingCluster works on the current context of a kubeconfig whose owner agreed (USE_EXISTING_CLUSTER=true). */
export async function useExistingCluster(kubeconfig: string, report: Report): Promise<ControlPlane> {
  const kubectl = process.env["TEST_ASSET_KUBECTL"] ?? findOnPath("kubectl");
  if (kubectl === undefined) throw new Error("USE_EXISTING_CLUSTER=true needs kubectl on PATH; install it, then repeat");
  const view = async (...args: string[]): Promise<string> =>
    await runCommand(kubectl, ["config", "view", "--minify", ...args], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  const [context, server] = (await view("-o", 'jsonpath={.current-context}{"\\n"}{.clusters[0].cluster.server}')).split("\n");
  if (!context || !server) throw new Error(`KUBECONFIG=${kubeconfig} has no usable current context`);
  report(`existing cluster: context ${context}, server ${server} (USE_EXISTING_CLUSTER=true)`);

  // A copy of this one context: nobody who switches contexts meanwhile sends the tests to another cluster.
  const directory = await mkdtemp(join(tmpdir(), "getabako-cluster-"));
  const janitor = startJanitor(removalCommand(directory));
  const file = join(directory, "kubeconfig");
  await writeFile(file, await view("--raw", "--flatten"), { mode: 0o600 });
  await runCommand(kubectl, ["--kubeconfig", file, "get", "--raw", "/readyz"], { timeoutMs: 30_000 });

  const notOurs = (): Error => new Error(`the API server of context ${context} is not ours to stop`);
  return {
    kubeconfig: file,
    server,
    way: `existing cluster (context ${context}, ${server})`,
    kubectlPath: kubectl,
    hasControllerManager: true,
    metrics: async () => await runCommand(kubectl, ["--kubeconfig", file, "get", "--raw", "/metrics"]),
    restartApiServer: () => Promise.reject(notOurs()),
    stopApiServer: () => Promise.reject(notOurs()),
    startApiServer: () => Promise.reject(notOurs()),
    pauseApiServer: () => {
      throw notOurs();
    },
    resumeApiServer: () => {
      throw notOurs();
    },
    stop: async () => await janitor.run(),
  };
}
