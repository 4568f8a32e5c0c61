import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { removalCommand, startGuarded, startJanitor } from "./guard.ts";
import { namespaces, reserveNetwork } from "./own-node.ts";
import { runCommand, type RunOptions } from "./run-command.ts";

const initScript = fileURLToPath(new URL("box-init.sh", import.meta.url));

/** Box is a set of Linux namespaces that programs can be run in, with one network link to this machine. */
export interface Box {
  /** This machine as programs in the box see it: a server that they must reach listens on this address. */
  readonly hostIp: string;
  /** Runs a command inside. */
  exec(command: readonly string[], options?: RunOptions): Promise<string>;
  /** Kills everything inside, and removes it. */
  stop(): Promise<void>;
}

/** boxPrerequisites are the programs that make a box. */
export const boxPrerequisites = [
  { command: "ip", package: "iproute2" },
  { command: "mount", package: "mount" },
  { command: "unshare", package: "util-linux" },
  { command: "nsenter", package: "util-linux" },
] as const;

/**
 * startBox makes one; Linux, root. Stopping it is one SIGKILL, which also a SIGKILL of this process leads to: the kernel then takes the
 * namespaces away with all that is in them, and the link's outer end with its inner one.
 */
export async function startBox(): Promise<Box> {
  const directory = await mkdtemp(join(tmpdir(), "getabako-box-"));
  const { link, hostIp, nodeIp } = await reserveNetwork();
  // The link goes with the box once its other end is inside; until then only this removes it.
  const script = 'ip link del "$1" 2>/dev/null; shift; exec "$@"';
  const janitor = startJanitor(["/bin/sh", "-c", script, "remove", link, ...removalCommand(directory)]);
  const unshare = await startGuarded([...namespaces, "/bin/sh", initScript, nodeIp, hostIp], {
    log: join(directory, "init.log"),
  });
  const stop = async (): Promise<void> => {
    await unshare.kill();
    await janitor.run();
  };
  const children = `/proc/${unshare.pid}/task/${unshare.pid}/children`;
  const initPid = async (): Promise<string> => {
    const until = Date.now() + 10_000;
    for (;;) {
      const pid = Number.parseInt(await readFile(children, "utf8").catch(() => ""), 10);
      if (Number.isInteger(pid)) return String(pid);
      if (unshare.hasExited || Date.now() > until) {
        const words = await readFile(join(directory, "init.log"), "utf8").catch(() => "");
        throw new Error(`no namespaces of its own can be made on this machine: ${words.trim()}`);
      }
      await sleep(20);
    }
  };
  try {
    const pid = await initPid();
    await runCommand("ip", ["link", "set", `${link}p`, "netns", pid, "name", "eth0"]);
    await runCommand("ip", ["addr", "add", `${hostIp}/30`, "dev", link]);
    await runCommand("ip", ["link", "set", link, "up"]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    hostIp,
    exec: async (command, options = {}) => await runCommand("nsenter", ["-t", await initPid(), "-a", "--", ...command], options),
    stop,
  };
}
