import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";
import type { TaskEvent } from "../ecs/events.ts";

/** QueueFault is what a reader gets instead of an answer. */
export type QueueFault = "denied" | "cut" | "throttled" | "hang";

/** EventQueueOptions say where it listens: on a free port of the loopback address unless told otherwise. */
export interface EventQueueOptions {
  readonly host?: string;
  readonly port?: number;
  readonly region?: string;
  /** How long a received message is hidden; short, so that tests see one come back. */
  readonly hiddenSeconds?: number;
}

const name = "task-events";
const readerCalls = ["ReceiveMessage", "DeleteMessageBatch"];

/** Gate is what every call passes on its way to the queue. */
class Gate {
  /** Number of calls by operation, those of the tests included. */
  readonly calls = new Map<string, number>();
  /** The access keys that readers signed with. */
  readonly readers = new Set<string>();
  /** What readers get until it is taken away. */
  fault: QueueFault | undefined;

  /** Notes a call; returns what is wrong with it. */
  pass(operation: string, authorization = ""): QueueFault | undefined {
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1);
    if (!readerCalls.includes(operation)) return undefined;
    this.readers.add(/Credential=([^/]+)/.exec(authorization)?.[1] ?? "");
    return this.fault;
  }
}

/** QueueParts are what startEventQueue builds a queue from. */
interface QueueParts {
  readonly gate: Gate;
  readonly app: ReturnType<typeof buildApp>;
  readonly origin: string;
  readonly client: SQSClient;
  readonly attributes: Record<string, string>;
}

/**
 * EventQueue is an SQS (fauxqs, in this process) with one queue, as an EventBridge rule fills it: `sink` takes the ECS simulator's
 * events. What it adds are faults in the calls of a reader, and counts of all calls.
 */
export class EventQueue {
  readonly origin: string;
  readonly url: string;
  readonly gate: Gate;
  readonly #parts: QueueParts;
  readonly #sending = new Set<Promise<unknown>>();

  constructor(parts: QueueParts) {
    this.gate = parts.gate;
    this.origin = parts.origin;
    this.url = `${parts.origin}/000000000000/${name}`;
    this.#parts = parts;
  }

  /** Takes an event as EventBridge hands it to a queue: its JSON is the body. */
  readonly sink = (event: TaskEvent): void => {
    const sent = this.send(JSON.stringify(event)).catch(() => undefined);
    this.#sending.add(sent);
    void sent.finally(() => this.#sending.delete(sent));
  };

  async send(body: string): Promise<void> {
    await this.#parts.client.send(new SendMessageCommand({ QueueUrl: this.url, MessageBody: body }));
  }

  /** How many messages are in the queue, hidden ones included. */
  async count(): Promise<number> {
    await Promise.all(this.#sending);
    const { Attributes } = await this.#parts.client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.url,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return Object.values(Attributes ?? {}).reduce((sum, value) => sum + Number(value), 0);
  }

  async create(): Promise<void> {
    await this.#parts.client.send(new CreateQueueCommand({ QueueName: name, Attributes: this.#parts.attributes }));
  }

  async delete(): Promise<void> {
    await this.#parts.client.send(new DeleteQueueCommand({ QueueUrl: this.url }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#sending);
    this.#parts.client.destroy();
    const closed = this.#parts.app.close();
    this.#parts.app.server.closeAllConnections();
    await closed;
  }
}

/** startEventQueue starts one. */
export async function startEventQueue(options: EventQueueOptions = {}): Promise<EventQueue> {
  const { host = "127.0.0.1", port = 0, region = "us-east-1", hiddenSeconds = 1 } = options;
  const gate = new Gate();
  const app = buildApp({ logger: false, defaultRegion: region });
  app.addHook("onRequest", async ({ headers, raw }, reply) => {
    const fault = gate.pass(String(headers["x-amz-target"] ?? "").replace("AmazonSQS.", ""), headers.authorization);
    if (fault === undefined) return;
    if (fault === "cut") raw.destroy();
    if (fault === "cut" || fault === "hang") return void (await new Promise(() => undefined));
    const [status, code] = fault === "denied" ? [403, "AccessDenied"] : [400, "RequestThrottled"];
    await reply
      .code(status)
      .header("content-type", "application/x-amz-json-1.0")
      .header("x-amzn-query-error", `${code};Sender`)
      .send(JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: `simulated: ${code}` }));
  });
  const origin = await app.listen({ host, port });
  const credentials = { accessKeyId: "AKIASIMULATOR", secretAccessKey: "simulator" };
  const client = new SQSClient({ endpoint: origin, region, credentials });
  const queue = new EventQueue({ gate, app, origin, client, attributes: { VisibilityTimeout: String(hiddenSeconds) } });
  await queue.create();
  return queue;
}
