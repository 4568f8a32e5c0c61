import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { takeBuildLock } from "../cluster/build-lock.ts";
import { freePort } from "../cluster/free-port.ts";
import { startGuarded } from "../cluster/guard.ts";
import { findOnPath } from "../cluster/locate.ts";
import { runCommand, tryCommand } from "../cluster/run-command.ts";
import { cacheDirectory } from "../cluster/versions.ts";
import { until } from "../support/until.ts";

const packages = ["ministack==1.5.33", "docker==7.2.0"];

type Report = (line: string) => void;

/** Ministack is a running ECS emulator that starts tasks as containers. */
export interface Ministack {
  readonly url: string;
  readonly log: string;
  stop(): Promise<void>;
}

/** installMinistack returns the directory of a Python environment with the emulator, made on first use in the user's cache. */
export async function installMinistack(report: Report, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const directory = join(cacheDirectory(env), "ministack", packages.join("_").replaceAll("==", "-"));
  if (isInstalled(directory)) return directory;
  await mkdir(dirname(directory), { recursive: true });
  const release = await takeBuildLock(`${directory}.lock`, report);
  const startedAt = Date.now();
  const progress = setInterval(() => report(`pip: ${Math.round((Date.now() - startedAt) / 1_000)} s`), 10_000);
  try {
    // Whoever held the lock before us has probably installed it.
    if (!isInstalled(directory)) await install(directory, report);
    return directory;
  } finally {
    clearInterval(progress);
    await release();
  }
}

/** A virtual environment knows its own path, so it cannot be made elsewhere and renamed: a stamp comes last instead. */
async function install(directory: string, report: Report): Promise<void> {
  const python = await findPython();
  if (python === undefined) {
    throw new Error("Python 3.10 or newer with the modules venv and ensurepip is missing: install it, then repeat");
  }
  report(`installing the ECS emulator, ${packages.join(" and ")}, into ${directory}: 100 MB, once`);
  await rm(directory, { recursive: true, force: true });
  await runCommand(python, ["-m", "venv", directory], { timeoutMs: 120_000 });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", ...packages];
  await runCommand(join(directory, "bin", "python"), pip, { timeoutMs: 600_000 });
  await writeFile(join(directory, "installed"), "");
}

function isInstalled(directory: string): boolean {
  return existsSync(join(directory, "installed"));
}

/** startMinistack serves ECS on one address of this machine: the one that pods, containers and this process all reach. */
export async function startMinistack(options: {
  readonly environment: string;
  readonly directory: string;
  readonly address: string;
  readonly dockerHost: string;
}): Promise<Ministack> {
  const { address, directory, dockerHost, environment } = options;
  const port = await freePort();
  const log = join(directory, "ministack.log");
  const emulator = await startGuarded([join(environment, "bin", "ministack")], {
    log,
    cwd: directory,
    // Nothing of the person's own AWS set-up.
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      TMPDIR: directory,
      BIND_HOST: address,
      GATEWAY_PORT: String(port),
      DOCKER_HOST: dockerHost,
      // Else it listens on every address for MQTT.
      IOT_MTLS_ENABLED: "0",
      SERVICES: "ecs,ecs-metadata,imds,sts",
    },
  });
  const url = `http://${address}:${port}`;
  const stop = async (): Promise<void> => {
    // It removes its containers on the way out.
    emulator.signal("SIGTERM");
    const late = setTimeout(() => emulator.signal("SIGKILL"), 10_000);
    await emulator.exited;
    clearTimeout(late);
  };
  try {
    await until("the ECS emulator", 30_000, async () => {
      if (emulator.hasExited) throw new Error("it has ended");
      const { status } = await fetch(`${url}/_ministack/ready`, { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) throw new Error(`it answers ${status}`);
    });
  } catch (error) {
    await stop();
    const words = (await readFile(log, "utf8")).trim().split("\n").slice(-10).join("\n");
    throw new Error(`the ECS emulator (ministack) does not start:\n${words}`, { cause: error });
  }
  return { url, log, stop };
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
