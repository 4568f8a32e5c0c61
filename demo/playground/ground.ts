import { chooseNode, surveyMachine } from "../../test/cluster/choose-node.ts";
import { installPlan, nodePrerequisites, thisMachine } from "../../test/cluster/prerequisites.ts";
import { tryCommand } from "../../test/cluster/run-command.ts";
import { Impossible } from "../../test/e2e/container-ecs.ts";

/**
 * checkGround ends before anything is downloaded or built where there can be no cluster.
 * @throws Impossible, with what would be needed.
 */
export async function checkGround(): Promise<void> {
  if (process.platform !== "linux") {
    throw new Impossible(
      `the image is made of this machine's own Node, so it has to be Linux, and this is ${process.platform}: use a Linux virtual machine`,
    );
  }
  // A podman may be here because another command of ours installed it: that is no wish to have kind on it.
  process.env["KIND_EXPERIMENTAL_PROVIDER"] ??= "docker";
  const machine = await surveyMachine();
  try {
    if (chooseNode(machine).way === "kind") return;
    installPlan(thisMachine(), nodePrerequisites);
  } catch (error) {
    throw new Impossible(error instanceof Error ? error.message : "programs are missing", { cause: error });
  }
  const probe = await tryCommand("unshare", ["--net", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"]);
  if (probe.code !== 0) {
    throw new Impossible(
      `no Docker runs, and this root may make no namespaces (${probe.stderr.trim()}): in a container, start that with --privileged`,
    );
  }
}
