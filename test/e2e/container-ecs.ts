import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boxPrerequisites, startBox } from "../cluster/box.ts";
import { startJanitor } from "../cluster/guard.ts";
import { ensurePrerequisites, installPlan, thisMachine } from "../cluster/prerequisites.ts";
import { pythonPrerequisites } from "../cluster/python.ts";
import { tryCommand } from "../cluster/run-command.ts";
import { Ecs } from "./ecs.ts";
import type { Engine } from "./engine.ts";
import { installMinistack, startMinistack } from "./ministack.ts";
import { podmanPrerequisites, startPodman } from "./podman.ts";
import { buildRunnerImage, type RunnerImage } from "./runner-image.ts";

/** ContainerEcs is an ECS that runs its tasks as containers: ministack, on a podman in namespaces of its own. */
export interface ContainerEcs extends AsyncDisposable {
  readonly url: string;
  /** This machine as the containers see it: servers that they must reach listen here. */
  readonly address: string;
  readonly engine: Engine;
  /** Two images of the same content, so that a job can choose. */
  readonly images: readonly [RunnerImage, RunnerImage];
  /** AWS' own client, proved to start real containers. */
  readonly ecs: Ecs;
  readonly emulatorLog: string;
}

/** Impossible says that this machine can run no containers in namespaces of its own, whatever is installed. */
export class Impossible extends Error {
  override readonly name = "Impossible";
}

/** impossibleExitCode is that of commands that end with Impossible: EX_UNAVAILABLE of sysexits.h. */
export const impossibleExitCode = 69;

type Report = (line: string) => void;

/**
 * prepareContainerGround installs what is missing, and returns the emulator's Python environment.
 * @throws Impossible, with what would be needed, on a machine that cannot.
 */
export async function prepareContainerGround(report: Report): Promise<string> {
  const wanted = [...boxPrerequisites, ...podmanPrerequisites, ...(await pythonPrerequisites())];
  if (process.platform !== "linux") {
    throw new Impossible(`tasks as real containers need Linux, and this is ${process.platform}: use a Linux virtual machine`);
  }
  if (process.getuid?.() !== 0) {
    throw new Impossible(
      "tasks as real containers need root, for namespaces, mounts and a bridge of their own: repeat with sudo",
    );
  }
  try {
    installPlan(thisMachine(), wanted);
  } catch (error) {
    throw new Impossible(error instanceof Error ? error.message : "programs are missing", { cause: error });
  }
  await ensurePrerequisites(wanted, report);
  const probe = await tryCommand("unshare", ["--net", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"]);
  if (probe.code !== 0) {
    throw new Impossible(
      `this root may make no namespaces (${probe.stderr.trim()}): in a container, start that with --privileged`,
    );
  }
  return await installMinistack(report);
}

/** startContainerEcs starts everything below a directory of its own. However this process ends, nothing of it stays. */
export async function startContainerEcs(options: {
  readonly report: Report;
  readonly region: string;
  readonly cluster?: string;
  readonly signal?: AbortSignal;
}): Promise<ContainerEcs> {
  const { report, region, cluster, signal } = options;
  await using building = new AsyncDisposableStack();
  const environment = await prepareContainerGround(report);
  signal?.throwIfAborted();
  const directory = await mkdtemp(join(tmpdir(), "getabako-containers-"));
  const cleanUp = fileURLToPath(new URL("podman-cleanup.sh", import.meta.url));
  const janitor = startJanitor(["/bin/sh", cleanUp, directory]);
  building.defer(() => janitor.run());

  const tag = randomBytes(4).toString("hex");
  const images = Promise.all([buildRunnerImage(directory, tag), buildRunnerImage(directory, `${tag}-node-22`)]);
  // Awaited below; a failure must not count as unhandled meanwhile.
  images.catch(() => undefined);
  const box = await startBox();
  building.defer(() => box.stop());
  const engine = await startPodman(box, directory);
  const built = await images;
  signal?.throwIfAborted();
  for (const image of built) await engine.load(image);
  report(`podman in namespaces of its own, with the runner's image; containers reach this machine as ${box.hostIp}`);
  const emulator = await startMinistack({ environment, directory, address: box.hostIp, dockerHost: engine.dockerHost });
  building.defer(() => emulator.stop());
  signal?.throwIfAborted();
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const ecs = new Ecs(emulator.url, credentials, { region, ...(cluster !== undefined && { cluster }) });
  building.defer(() => ecs.close());
  await ecs.prepare(built[0]);
  report(`ministack at ${emulator.url}: a first task really ran`);
  const all = building.move();
  return {
    url: emulator.url,
    address: box.hostIp,
    engine,
    images: built,
    ecs,
    emulatorLog: emulator.log,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
