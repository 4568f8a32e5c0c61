import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { runCommand, tryCommand } from "../cluster/run-command.ts";

const crdDirectory = fileURLToPath(new URL("../../crds/", import.meta.url));

/**
 * installCrds applies every file of crds/ and waits until the API server serves the kinds. One that it refuses does not
 * keep the others out; what it says is thrown at the end.
 */
export async function installCrds({ kubectlPath, kubeconfig }: Pick<ControlPlane, "kubectlPath" | "kubeconfig">): Promise<void> {
  if (!readdirSync(crdDirectory).some((file) => file.endsWith(".yaml"))) return;
  const kubectl = ["--kubeconfig", kubeconfig, "--cache-dir", `${kubeconfig}.cache`];
  const apply = ["apply", "--server-side", "--force-conflicts", "-o", "name", "-f", crdDirectory];
  const applied = await tryCommand(kubectlPath, [...kubectl, ...apply]);
  const accepted = applied.stdout.split("\n").filter((name) => name !== "");
  if (accepted.length > 0) {
    await runCommand(kubectlPath, [...kubectl, "wait", "--for=condition=Established", "--timeout=30s", ...accepted]);
  }
  if (applied.code !== 0) throw new Error(`crds/ is not accepted: ${applied.stderr.trim()}`);
}
