import type { ControlPlane } from "../cluster/control-plane.ts";
import { runCommand } from "../cluster/run-command.ts";

/** Kubectl runs kubectl in one cluster, with a text for its standard input, and returns what it printed. @throws with its last words */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

/** kubectlOf is the kubectl of a control plane; `before` stands before all arguments, such as a namespace. */
export function kubectlOf(
  { kubectlPath, kubeconfig }: Pick<ControlPlane, "kubectlPath" | "kubeconfig">,
  before: readonly string[] = [],
): Kubectl {
  return (args, input) =>
    runCommand(kubectlPath, ["--kubeconfig", kubeconfig, ...before, ...args], input === undefined ? {} : { input });
}

/** applyAll applies objects in one call, in their order. */
export async function applyAll(kubectl: Kubectl, objects: readonly object[]): Promise<string> {
  return await kubectl(["apply", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n---\n"));
}
