import { readFile, mkdtemp } from "node:fs/promises";
import { createPrivateKey } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppJwtSigner } from "../../src/github/app-jwt.ts";
import { systemClock } from "../../src/util/clock.ts";
import { type GuardedProcess, removalCommand, startGuarded, startJanitor } from "../../test/cluster/guard.ts";
import { raw } from "../../test/sim/ecs/testing.ts";
import { until } from "../../test/support/until.ts";
import { cluster, region, type Team, type World } from "../world.ts";
import type { LauncherSettings } from "./settings.ts";

const program = fileURLToPath(new URL("process.ts", import.meta.url));

/** Launcher is the running do-nothing launcher. */
export interface Launcher extends AsyncDisposable {
  readonly pid: number;
  readonly webhookUrl: string;
  /** What it complained of. */
  output(): Promise<string>;
}

/** startLauncher gives the do-nothing launcher all that the operator has to find out first: tokens and a task definition. */
export async function startLauncher({ github, ecs, teams }: World): Promise<Launcher> {
  const registered = await raw(ecs, "RegisterTaskDefinition", {
    family: "launcher",
    requiresCompatibilities: ["FARGATE"],
    networkMode: "awsvpc",
    cpu: "256",
    memory: "512",
    containerDefinitions: [{ name: "runner", image: "ghcr.io/acme/runner:1" }],
  });
  const { taskDefinition } = (await registered.json()) as { taskDefinition: { taskDefinitionArn: string } };
  const settings: LauncherSettings = {
    githubUrl: github.url,
    ecsUrl: ecs.url,
    region,
    cluster,
    taskDefinition: taskDefinition.taskDefinitionArn,
    tokens: Object.fromEntries(await Promise.all(teams.map((team) => tokenOf(github.url, team)))),
  };
  const directory = await mkdtemp(join(tmpdir(), "getabako-launcher-"));
  const janitor = startJanitor(removalCommand(directory));
  const log = join(directory, "log");
  let running: GuardedProcess | undefined;
  const stop = async (): Promise<void> => {
    await running?.kill();
    await janitor.run();
  };
  try {
    running = await startGuarded([process.execPath, program], {
      log,
      env: { PATH: process.env["PATH"], LAUNCHER_SETTINGS: JSON.stringify(settings) },
    });
    const port = await until("the launcher to listen", 15_000, async () => {
      const match = /listening on (\d+)/.exec(await readFile(log, "utf8"));
      if (match === null) throw new Error("it does not listen yet");
      return match[1];
    });
    return {
      pid: running.pid,
      webhookUrl: `http://127.0.0.1:${port}/webhook`,
      output: () => readFile(log, "utf8"),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function tokenOf(url: string, { app, organization, installation }: Team): Promise<[string, string]> {
  const key = app.keys[0];
  if (key === undefined) throw new Error(`App ${app.id} has no key`);
  const jwt = new AppJwtSigner(String(app.id), createPrivateKey(key.privateKey), systemClock).sign();
  const answer = await fetch(`${url}/app/installations/${installation.id}/access_tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
    body: "{}",
  });
  if (!answer.ok) throw new Error(`no token for ${organization}: ${answer.status} ${await answer.text()}`);
  return [organization, ((await answer.json()) as { token: string }).token];
}
