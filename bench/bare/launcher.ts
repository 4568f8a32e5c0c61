import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { requestName, runnerName } from "../../src/api/v1alpha1/names.ts";
import type { LauncherSettings } from "./launcher-settings.ts";

/*
 * The do-nothing launcher, a process of its own: each queued webhook becomes one JIT configuration and one RunTask, and nothing is
 * checked, stored, repeated or cleaned up. What it takes is what harness, simulators and machine cost by themselves: no operator on them
 * can be faster.
 */

const settings = JSON.parse(process.env["SETTINGS"] ?? "{}") as LauncherSettings;
const github = new Pool(settings.githubUrl, { connections: 32 });
const ecs = new Pool(settings.ecsUrl, { connections: 32 });

interface JobEvent {
  readonly action: string;
  readonly workflow_job: { readonly id: number; readonly labels: readonly string[] };
  readonly organization: { readonly login: string };
}

async function launch({ workflow_job: { id, labels }, organization: { login } }: JobEvent): Promise<void> {
  const request = requestName(String(id));
  const name = runnerName(request, 1);
  const path = `/orgs/${login}/actions/runners/generate-jitconfig`;
  const mint = { name, runner_group_id: 1, labels, work_folder: "_work" };
  const minted = (await post(github, path, { authorization: `Bearer ${settings.tokens[login]}` }, mint)) as {
    encoded_jit_config: string;
  };
  await post(
    ecs,
    "/",
    {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AmazonEC2ContainerServiceV20141113.RunTask",
      // The simulator looks at the scope, as ECS does to find the Region, and checks no signature.
      authorization: `AWS4-HMAC-SHA256 Credential=AKIABENCH/20260101/${settings.region}/ecs/aws4_request, SignedHeaders=host, Signature=0`,
    },
    {
      cluster: settings.cluster,
      taskDefinition: settings.taskDefinition,
      count: 1,
      startedBy: request,
      group: name,
      capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1 }],
      networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-a"] } },
      overrides: {
        containerOverrides: [
          { name: "runner", environment: [{ name: "ACTIONS_RUNNER_INPUT_JITCONFIG", value: minted.encoded_jit_config }] },
        ],
      },
    },
  );
}

async function post(pool: Pool, path: string, headers: Record<string, string>, body: object): Promise<unknown> {
  const json = JSON.stringify(body);
  const answer = await pool.request({
    method: "POST",
    path,
    headers: { "content-type": "application/json", "user-agent": "launcher", ...headers },
    body: json,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`POST ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  response.writeHead(202).end();
  const event = JSON.parse(Buffer.concat(chunks).toString("utf8")) as JobEvent;
  if (event.action === "queued") await launch(event);
}

const server = createServer((request, response) => {
  // One that fails is a job that is not launched, and the scenario says so.
  receive(request, response).catch((error: unknown) => console.error(error));
});
server.listen(0, "127.0.0.1", () => console.log(`listening on ${(server.address() as AddressInfo).port}`));
