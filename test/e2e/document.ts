import { mkdir, readFile, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../cluster/run-command.ts";
import type { Helm } from "./helms.ts";
import type { Stage } from "./stage.ts";

const page = fileURLToPath(new URL("../../docs/upgrading.md", import.meta.url));

/** runDocumented runs the block of commands of docs/upgrading.md that has the given one, as it is printed, but for the namespace. */
export async function runDocumented(stage: Stage, helm: Helm, command: string): Promise<string> {
  const { cluster, directory, release } = stage;
  const blocks = [...(await readFile(page, "utf8")).matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block ?? "");
  const block = blocks.find((text) => text.includes(command));
  if (block === undefined) throw new Error(`docs/upgrading.md has no block with ${command}`);
  const bin = join(directory, "bin");
  await mkdir(bin);
  await symlink(cluster.kubectlPath, join(bin, "kubectl"));
  await symlink(helm.path, join(bin, "helm"));
  const script = block.replaceAll("--namespace getabako ", `--namespace ${release.namespace} `);
  return await runCommand("/bin/sh", ["-eux", "-c", script], {
    env: { ...process.env, PATH: [bin, process.env["PATH"]].join(delimiter), KUBECONFIG: cluster.kubeconfig },
    timeoutMs: 180_000,
  });
}
