import { createPrivateKey } from "node:crypto";
import { AppJwtSigner } from "../../src/github/app-jwt.ts";
import { systemClock } from "../../src/util/clock.ts";
import { raw } from "../../test/sim/ecs/testing.ts";
import { cluster, region, type Team, type World } from "../world.ts";

/** LauncherSettings is all that the do-nothing launcher knows. */
export interface LauncherSettings {
  readonly githubUrl: string;
  readonly ecsUrl: string;
  readonly region: string;
  readonly cluster: string;
  readonly taskDefinition: string;
  /** Installation tokens by organization. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** launcherSettings gives it all that the operator has to find out first: tokens and a task definition. */
export async function launcherSettings({ github, ecs, teams }: World): Promise<LauncherSettings> {
  const registered = await raw(ecs, "RegisterTaskDefinition", {
    family: "launcher",
    requiresCompatibilities: ["FARGATE"],
    networkMode: "awsvpc",
    cpu: "256",
    memory: "512",
    containerDefinitions: [{ name: "runner", image: "ghcr.io/acme/runner:1" }],
  });
  const { taskDefinition } = (await registered.json()) as { taskDefinition: { taskDefinitionArn: string } };
  return {
    githubUrl: github.url,
    ecsUrl: ecs.url,
    region,
    cluster,
    taskDefinition: taskDefinition.taskDefinitionArn,
    tokens: Object.fromEntries(await Promise.all(teams.map((team) => tokenOf(github.url, team)))),
  };
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
