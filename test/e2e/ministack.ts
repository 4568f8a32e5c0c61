import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../cluster/free-port.ts";
import { startGuarded } from "../cluster/guard.ts";
import { installPython } from "../cluster/python.ts";
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
export async function installMinistack(report: Report): Promise<string> {
  return await installPython({ name: "ministack", packages, size: "100 MB" }, report);
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
      SERVICES: "ecs,ecs-metadata,imds,sts,s3",
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
