import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { findOnPath } from "./locate.ts";
import { runCommand } from "./run-command.ts";

/** Prerequisite is a program and the Debian package that brings it. */
export interface Prerequisite {
  /** A command, or the absolute path of a file. */
  readonly command: string;
  readonly package: string;
}

/** nodePrerequisites are what the single-node cluster runs besides its own build. */
export const nodePrerequisites: readonly Prerequisite[] = [
  { command: "containerd", package: "containerd" },
  { command: "ctr", package: "containerd" },
  { command: "runc", package: "runc" },
  { command: "/usr/lib/cni/bridge", package: "containernetworking-plugins" },
  { command: "iptables", package: "iptables" },
  { command: "ip", package: "iproute2" },
  { command: "unshare", package: "util-linux" },
  { command: "nsenter", package: "util-linux" },
  { command: "openssl", package: "openssl" },
  { command: "modprobe", package: "kmod" },
];

/** Machine is what the answer depends on, so that tests can describe another one. */
export interface Machine {
  readonly has: (command: string) => boolean;
  readonly isRoot: boolean;
}

/** thisMachine looks at PATH and at the directories of system programs, which a plain user's PATH lacks on Debian. */
export function thisMachine(): Machine {
  const PATH = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;
  return {
    has: (command) => (isAbsolute(command) ? existsSync(command) : findOnPath(command, { PATH }) !== undefined),
    isRoot: process.getuid?.() === 0,
  };
}

/** missingFrom lists what a machine lacks. */
export function missingFrom(machine: Machine, wanted: readonly Prerequisite[]): readonly Prerequisite[] {
  return wanted.filter(({ command }) => !machine.has(command));
}

/** installPlan returns the packages to install here and now, or throws one message that names everything that is missing. */
export function installPlan(machine: Machine, wanted: readonly Prerequisite[]): readonly string[] {
  const missing = missingFrom(machine, wanted);
  const packages = [...new Set(missing.map((one) => one.package))].toSorted();
  if (packages.length === 0 || (machine.isRoot && machine.has("apt-get"))) return packages;
  const names = missing.map(({ command }) => command).join(", ");
  const advice = machine.has("apt-get")
    ? `as root: apt-get install --no-install-recommends ${packages.join(" ")}`
    : `with your system's package manager (Debian's names: ${packages.join(" ")})`;
  throw new Error(`missing: ${names}; install ${advice}`);
}

/** ensurePrerequisites installs what is missing (as root on Debian and its kin) or throws a message that says what to do. */
export async function ensurePrerequisites(wanted: readonly Prerequisite[], report: (line: string) => void): Promise<void> {
  const packages = installPlan(thisMachine(), wanted);
  if (packages.length === 0) return;
  report(`installing Debian packages: ${packages.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = ["-q", "-o", "DPkg::Lock::Timeout=120"];
  const startedAt = Date.now();
  const progress = setInterval(() => report(`installing: ${Math.round((Date.now() - startedAt) / 1000)} s`), 10_000);
  try {
    await runCommand("apt-get", [...options, "update"], { env, timeoutMs: 600_000 });
    await runCommand("apt-get", [...options, "install", "-y", "--no-install-recommends", ...packages], {
      env,
      timeoutMs: 900_000,
    });
  } finally {
    clearInterval(progress);
  }
  const still = missingFrom(thisMachine(), wanted);
  if (still.length > 0) {
    throw new Error(
      `installed ${packages.join(" ")}, and these are still missing: ${still.map(({ command }) => command).join(", ")}`,
    );
  }
}
