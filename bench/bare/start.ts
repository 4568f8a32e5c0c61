import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GuardedProcess, startGuarded } from "../../test/cluster/guard.ts";
import { makeRunDirectory } from "../../test/support/run-directory.ts";
import { until } from "../../test/support/until.ts";

/** BareProcess is a running process that does a part of what the operator does, and nothing else. */
export interface BareProcess extends AsyncDisposable {
  readonly pid: number;
  readonly webhookUrl: string;
  /** What it complained of. */
  output(): Promise<string>;
}

/** startBare runs a program of this folder, which finds its settings as JSON in the variable SETTINGS and says where it listens. */
export async function startBare(program: "launcher" | "relay", settings: object): Promise<BareProcess> {
  await using building = new AsyncDisposableStack();
  const { directory } = await makeRunDirectory(program, building);
  const log = join(directory, "log");
  const file = fileURLToPath(new URL(`${program}.ts`, import.meta.url));
  const running: GuardedProcess = await startGuarded([process.execPath, file], {
    log,
    env: { PATH: process.env["PATH"], SETTINGS: JSON.stringify(settings) },
  });
  building.defer(() => running.kill());
  const port = await until(`the ${program} to listen`, 15_000, async () => {
    const match = /listening on (\d+)/.exec(await readFile(log, "utf8"));
    if (match === null) throw new Error("it does not listen yet");
    return match[1];
  });
  const started = building.move();
  return {
    pid: running.pid,
    webhookUrl: `http://127.0.0.1:${port}/webhook`,
    output: () => readFile(log, "utf8"),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
