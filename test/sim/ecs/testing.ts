import {
  DescribeTasksCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
  type RunTaskCommandInput,
  type RunTaskCommandOutput,
  type Task,
} from "@aws-sdk/client-ecs";
import { onTestFinished } from "vitest";
import type { EcsSimOptions } from "./options.ts";
import { startEcsSim } from "./server.ts";
import type { EcsSim } from "./sim.ts";

/** Bench is a simulator with an SDK client and a registered task definition, for one test. */
export interface Bench {
  readonly sim: EcsSim;
  readonly client: ECSClient;
  /** ARN of a Fargate definition with a container `runner`. */
  readonly definition: string;
  readonly run: (input?: Partial<RunTaskCommandInput>) => Promise<RunTaskCommandOutput>;
  /** Runs one task and gives its ARN. */
  readonly launch: (input?: Partial<RunTaskCommandInput>) => Promise<string>;
  readonly describe: (arn: string) => Promise<Task>;
}

/** fargateDefinition is a task definition that Fargate accepts. */
export const fargateDefinition = {
  family: "runner",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "1024",
  memory: "2048",
  containerDefinitions: [{ name: "runner", image: "ghcr.io/acme/runner:1", stopTimeout: 120 }],
} as const satisfies RegisterTaskDefinitionCommandInput;

/** makeBench starts a simulator that a test moves step by step, unless it asks for timings; it ends with the test. */
export async function makeBench(options: EcsSimOptions = {}): Promise<Bench> {
  const sim = await startEcsSim({ timings: 0, ...options });
  const client = new ECSClient({ ...sim.clientConfig, maxAttempts: 1 });
  onTestFinished(async () => {
    client.destroy();
    await sim.close();
  });
  const registered = await client.send(new RegisterTaskDefinitionCommand(fargateDefinition));
  const definition = registered.taskDefinition?.taskDefinitionArn ?? "";
  const run = (input: Partial<RunTaskCommandInput> = {}): Promise<RunTaskCommandOutput> =>
    client.send(new RunTaskCommand({ ...runInput(definition), ...input }));
  const launch = async (input: Partial<RunTaskCommandInput> = {}): Promise<string> => {
    const { tasks } = await run(input);
    return tasks?.[0]?.taskArn ?? "";
  };
  const describe = async (arn: string): Promise<Task> => {
    const { tasks } = await client.send(new DescribeTasksCommand({ cluster: "runners", tasks: [arn], include: ["TAGS"] }));
    const task = tasks?.[0];
    if (task === undefined) {
      throw new Error(`${arn} is MISSING`);
    }
    return task;
  };
  return { sim, client, definition, run, launch, describe };
}

/** runInput is a RunTask request that the simulator accepts. */
export function runInput(definition: string): RunTaskCommandInput {
  return {
    cluster: "runners",
    taskDefinition: definition,
    count: 1,
    capacityProviderStrategy: [{ capacityProvider: "FARGATE", weight: 1 }],
    networkConfiguration: { awsvpcConfiguration: { subnets: ["subnet-1"], securityGroups: ["sg-1"] } },
  };
}

/** raw posts a body as it is, for what the SDK would not send. */
export async function raw(
  sim: EcsSim,
  operation: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(sim.url, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AmazonEC2ContainerServiceV20141113.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=AKIARAW/20260101/${sim.region}/ecs/aws4_request, SignedHeaders=host, Signature=0`,
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
