import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEcsSim } from "./ecs/server.ts";
import { startGitHubSim } from "./github/sim.ts";
import { startS3Sim } from "./s3/server.ts";
import type { EventQueue } from "./sqs/event-queue.ts";

const usage = `npm run sim -- [options]: simulated GitHub, ECS and S3 on this machine, until Ctrl-C

  --host ADDRESS        address to listen on (127.0.0.1)
  --ecs-port PORT       port of ECS (4580; 0 = any free one)
  --github-port PORT    port of GitHub (4581; 0 = any free one)
  --s3-port PORT        port of S3 (4582; 0 = any free one)
  --queue-port PORT     an SQS queue with the tasks' state changes on this port (none; 0 = any free one)
  --region NAME         region of the AWS account (us-east-1)
  --cluster NAME        an ECS cluster besides "default"; may be repeated (runners)
  --bucket NAME         an S3 bucket; may be repeated (handover)
  --repository NAME     a GitHub repository, as owner/name; may be repeated (acme/web)
  --receiver URL        where GitHub sends its webhooks; may be repeated
  --state-ms MS         how long a task stays in each state (300; 0 = until told)
  --runner KIND         what runs in a task: "mini", a small runner that takes one job, or "none" (mini)
`;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const miniRunner = fileURLToPath(new URL("./runner/mini-runner.ts", import.meta.url));

type Values = ReturnType<typeof parse>;

function parse() {
  return parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      "ecs-port": { type: "string", default: "4580" },
      "github-port": { type: "string", default: "4581" },
      "s3-port": { type: "string", default: "4582" },
      "queue-port": { type: "string" },
      region: { type: "string", default: "us-east-1" },
      cluster: { type: "string", multiple: true, default: ["runners"] },
      bucket: { type: "string", multiple: true, default: ["handover"] },
      repository: { type: "string", multiple: true, default: ["acme/web"] },
      receiver: { type: "string", multiple: true, default: [] },
      "state-ms": { type: "string", default: "300" },
      runner: { type: "string", default: "mini" },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
}

function natural(name: string, text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new Error(`--${name}: "${text}" is not a whole number`);
  }
  return Number(text);
}

function check(values: Values): void {
  for (const repository of values.repository) {
    if (!/^[^/\s]+\/[^/\s]+$/.test(repository)) {
      throw new Error(`--repository: "${repository}" is not owner/name`);
    }
  }
  if (values.runner !== "mini" && values.runner !== "none") {
    throw new Error(`--runner: "${values.runner}" is neither mini nor none`);
  }
}

async function simulate(values: Values): Promise<void> {
  check(values);
  const github = await startGitHubSim({
    host: values.host,
    port: natural("github-port", values["github-port"]),
    receivers: values.receiver,
  });
  const s3 = await startS3Sim({
    host: values.host,
    port: natural("s3-port", values["s3-port"]),
    region: values.region,
    buckets: values.bucket.map((name) => ({ name })),
  });
  const queue = values["queue-port"] === undefined ? undefined : await startQueue(values, values["queue-port"]);
  const ecs = await startEcsSim({
    ...(queue !== undefined && { events: { sink: queue.sink } }),
    host: values.host,
    port: natural("ecs-port", values["ecs-port"]),
    region: values.region,
    clusters: [...new Set(["default", ...values.cluster])].map((name) => ({ name })),
    timings: natural("state-ms", values["state-ms"]),
    readEnvironmentFile: s3.readEnvironmentFile,
    ...(values.runner === "none"
      ? {}
      : {
          runner: {
            command: [process.execPath, miniRunner],
            onLine: (task, line) => print(`${task.id.slice(0, 8)} ${line}`),
          },
        }),
  });
  for (const repository of values.repository) {
    github.addRepository(repository);
  }
  for (const account of new Set(values.repository.map((repository) => repository.split("/")[0] ?? ""))) {
    github.install(account);
  }

  print(`ECS     ${ecs.url}   region ${ecs.region}, clusters default and ${values.cluster.join(", ")}
S3      ${s3.url}   buckets ${values.bucket.join(", ")}
GitHub  ${github.url}   App ${github.app.id} on ${values.repository.join(", ")}${queue === undefined ? "" : `\nQueue   ${queue.url}`}

Point something at them:
  ECS      the class' spec.endpoint, or AWS_ENDPOINT_URL_ECS=${ecs.url}; any access key will do:
           AWS_REGION=${ecs.region} AWS_ACCESS_KEY_ID=sim AWS_SECRET_ACCESS_KEY=sim
  S3       AWS_ENDPOINT_URL_S3=${s3.url}
  Queue    the class' spec.events.queueUrl, with --queue-port
  GitHub   the app's spec.apiUrl: ${github.url}
           its id, private key and webhook secret: curl ${github.url}/_sim/credentials

Steer them:
  curl ${ecs.url}/_sim            lists what ECS can be told
  curl ${ecs.url}/_sim/report     tasks, calls, violations
  curl -d '{"action": "refuse"}' ${ecs.url}/_sim/capacity/FARGATE_SPOT
  curl ${github.url}/_sim/report     jobs and runners
  curl -d '{"repository": "${values.repository[0] ?? "acme/web"}", "labels": ["self-hosted", "ecs"]}' ${github.url}/_sim/jobs

Ctrl-C stops them.`);

  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await ecs.close();
  await s3.close();
  await github.close();
  await queue?.close();
}

/** Loaded late: nobody else needs an SQS. */
async function startQueue({ host, region }: Values, port: string): Promise<EventQueue> {
  const { startEventQueue } = await import("./sqs/event-queue.ts");
  return startEventQueue({ host, region, port: natural("queue-port", port), hiddenSeconds: 30 });
}

try {
  const values = parse();
  if (values.help) {
    print(usage);
  } else {
    await simulate(values);
  }
} catch (error) {
  // A wrong option or a port in use: the message says it all.
  process.stderr.write(`npm run sim: ${error instanceof Error ? error.message : "unknown error"}\n`);
  process.exit(1);
}
