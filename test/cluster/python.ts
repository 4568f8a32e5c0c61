import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeOnce } from "./build-once.ts";
import { findOnPath } from "./locate.ts";
import { runCommand, tryCommand } from "./run-command.ts";
import { cacheDirectory } from "./versions.ts";

type Report = (line: string) => void;

/** PythonProgram is a program of PyPI. */
export interface PythonProgram {
  /** Names its directory in the cache. */
  readonly name: string;
  /** Each with its exact version. */
  readonly packages: readonly string[];
  /** What the download is, for people who wait for it: "100 MB". */
  readonly size: string;
}

/** installPython returns the directory of a virtual environment with the program, made on first use in the user's cache. */
export async function installPython(
  program: PythonProgram,
  report: Report,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { name, packages } = program;
  const directory = join(cacheDirectory(env), name, packages.join("_").replaceAll("==", "-"));
  // A virtual environment knows its own path, so it cannot be made elsewhere and renamed: a stamp comes last instead.
  const isBuilt = (): boolean => existsSync(join(directory, "installed"));
  await makeOnce({ directory, isBuilt, report }, async () => {
    const startedAt = Date.now();
    const progress = setInterval(() => report(`pip: ${Math.round((Date.now() - startedAt) / 1_000)} s`), 10_000);
    try {
      await install(program, directory, report);
    } finally {
      clearInterval(progress);
    }
  });
  return directory;
}

async function install({ packages, size }: PythonProgram, directory: string, report: Report): Promise<void> {
  const python = await findPython();
  if (python === undefined) {
    throw new Error("Python 3.10 or newer with the modules venv and ensurepip is missing: install it, then repeat");
  }
  report(`installing ${packages.join(", ")} into ${directory}: ${size}, once`);
  await rm(directory, { recursive: true, force: true });
  await runCommand(python, ["-m", "venv", directory], { timeoutMs: 120_000 });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", ...packages];
  await runCommand(join(directory, "bin", "python"), pip, { timeoutMs: 600_000 });
  await writeFile(join(directory, "installed"), "");
}

/** findPython returns a Python from 3.10 on that can make virtual environments; Debian packs the latter apart. */
export async function findPython(): Promise<string | undefined> {
  const probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const candidate of [findOnPath("python3"), "/usr/bin/python3"]) {
    if (candidate === undefined || !existsSync(candidate)) continue;
    if ((await tryCommand(candidate, ["-c", probe])).code === 0) return candidate;
  }
  return undefined;
}

/** pythonPrerequisites is what has to be installed before installPython can work; Debian's python3 comes without ensurepip. */
export async function pythonPrerequisites(): Promise<readonly { readonly command: string; readonly package: string }[]> {
  // The command alone proves nothing; this file is there once the package is.
  const venv = { command: "/var/lib/dpkg/info/python3-venv.list", package: "python3-venv" };
  return (await findPython()) === undefined ? [venv] : [];
}
