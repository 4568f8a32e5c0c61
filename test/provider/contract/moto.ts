import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../cluster/free-port.ts";
import { startGuarded } from "../../cluster/guard.ts";
import { installPython } from "../../cluster/python.ts";
import { until } from "../../support/until.ts";

// The server's extra would bring cfn-lint and more, 180 MB that ECS and EC2 do without.
const packages = ["moto==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];

/** startMoto serves moto on this machine, out of a Python environment that is made on first use in the user's cache. */
export async function startMoto(
  directory: string,
  report: (line: string) => void,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const environment = await installPython({ name: "moto", packages, size: "140 MB" }, report);
  const port = await freePort();
  const log = join(directory, "moto.log");
  const server = await startGuarded([join(environment, "bin", "moto_server"), "-H", "127.0.0.1", "-p", String(port)], {
    log,
    cwd: directory,
    // Nothing of the person's own AWS set-up.
    env: { PATH: process.env["PATH"], HOME: directory, TMPDIR: directory },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await until("moto", 60_000, async () => {
      if (server.hasExited) throw new Error("it has ended");
      const { status } = await fetch(`${url}/moto-api/`, { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) throw new Error(`it answers ${status}`);
    });
  } catch (error) {
    await server.kill();
    const words = (await readFile(log, "utf8")).trim().split("\n").slice(-10).join("\n");
    throw new Error(`moto does not start:\n${words}`, { cause: error });
  }
  return { url, stop: () => server.kill() };
}
