import { chooseNode, surveyMachine } from "../cluster/choose-node.ts";
import type { Report } from "../cluster/node.ts";
import { ensurePrerequisites, nodePrerequisites } from "../cluster/prerequisites.ts";
import { pythonPrerequisites } from "../cluster/python.ts";
import { installMinistack } from "./ministack.ts";
import { podmanPrerequisites } from "./podman.ts";

/** Ground is what the story stands on. */
export interface Ground {
  /** What runs the tasks: the Docker that kind runs in, or a podman inside the node's own namespaces. */
  readonly engine: "docker" | "podman";
  /** The Python environment of the ECS emulator. */
  readonly emulator: string;
}

/** prepareGround installs what is missing, or throws one message that says what to install. */
export async function prepareGround(report: Report): Promise<Ground> {
  if (process.platform !== "linux") {
    throw new Error(
      `the runner's image is made of this machine's own Node, so it has to be Linux, and this is ${process.platform}: run it in a Linux container or virtual machine`,
    );
  }
  // A podman may be here because an earlier run installed it: that is no wish to have kind on it.
  process.env["KIND_EXPERIMENTAL_PROVIDER"] = "docker";
  const { way } = chooseNode(await surveyMachine());
  const engine = way === "kind" ? "docker" : "podman";
  const python = await pythonPrerequisites();
  await ensurePrerequisites(engine === "podman" ? [...nodePrerequisites, ...podmanPrerequisites, ...python] : python, report);
  return { engine, emulator: await installMinistack(report) };
}
