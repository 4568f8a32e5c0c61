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

/**
 * EventQueue is an SQS (fauxqs, in this process) with one queue, as an EventBridge rule fills it: `sink` takes the ECS simulator's
 * events. What it adds are faults in the calls of a reader, and counts of all calls.
 */
export class EventQueue {
  readonly origin: string;
  readonly url: string;
  /** Number of calls by operation, those of the tests included. */
  readonly calls = new Map<string, number>();
  /** The access keys that readers signed with. */
  readonly readers = new Set<string>();
  /** What readers get until it is taken away. */
  fault: QueueFault | undefined;
  readonly #client: SQSClient;
  readonly #app: ReturnType<typeof buildApp>;
  readonly #attributes: Record<string, string>;
  readonly #sending = new Set<Promise<unknown>>();

  constructor(
    app: ReturnType<typeof buildApp>,
    origin: string,
    url: string,
    client: SQSClient,
    attributes: Record<string, string>,
  ) {
    this.#app = app;
    this.origin = origin;
    this.url = url;
    this.#client = client;
    this.#attributes = attributes;
  }

  /** Takes an event as EventBridge hands it to a queue: its JSON is the body. */
  readonly sink = (event: TaskEvent): void => {
    const sent = this.send(JSON.stringify(event)).catch(() => undefined);
    this.#sending.add(sent);
    void sent.finally(() => this.#sending.delete(sent));
  };

  async send(body: string): Promise<void> {
    await this.#client.send(new SendMessageCommand({ QueueUrl: this.url, MessageBody: body }));
  }

  /** How many messages are in the queue, hidden ones included. */
  async count(): Promise<number> {
    await Promise.all(this.#sending);
    const { Attributes } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.url,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return Object.values(Attributes ?? {}).reduce((sum, value) => sum + Number(value), 0);
  }

  async create(): Promise<void> {
    await this.#client.send(new CreateQueueCommand({ QueueName: name, Attributes: this.#attributes }));
  }

  async delete(): Promise<void> {
    await this.#client.send(new DeleteQueueCommand({ QueueUrl: this.url }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#sending);
    this.#client.destroy();
    const closed = this.#app.close();
    this.#app.server.closeAllConnections();
    await closed;
  }
}

/** startEventQueue starts one. */
export async function startEventQueue(options: EventQueueOptions = {}): Promise<EventQueue> {
  const { host = "127.0.0.1", port = 0, region = "us-east-1", hiddenSeconds = 1 } = options;
  const app = buildApp({ logger: false, defaultRegion: region });
  // Set below; no call comes before.
  let queue: EventQueue | undefined;
  app.addHook("onRequest", async (request, reply) => {
    const operation = String(request.headers["x-amz-target"] ?? "").replace("AmazonSQS.", "");
    if (queue === undefined) return;
    queue.calls.set(operation, (queue.calls.get(operation) ?? 0) + 1);
    if (!readerCalls.includes(operation)) return;
    queue.readers.add(/Credential=([^/]+)/.exec(request.headers.authorization ?? "")?.[1] ?? "");
    if (queue.fault === undefined) return;
    if (queue.fault === "cut") request.raw.destroy();
    if (queue.fault === "cut" || queue.fault === "hang") return void (await new Promise(() => undefined));
    const [status, code] = queue.fault === "denied" ? [403, "AccessDenied"] : [400, "RequestThrottled"];
    await reply
      .code(status)
      .header("content-type", "application/x-amz-json-1.0")
      .header("x-amzn-query-error", `${code};Sender`)
      .send(JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message: `simulated: ${code}` }));
  });
  const origin = await app.listen({ host, port });
  const credentials = { accessKeyId: "AKIASIMULATOR", secretAccessKey: "simulator" };
  const client = new SQSClient({ endpoint: origin, region, credentials });
  const attributes = { VisibilityTimeout: String(hiddenSeconds) };
  queue = new EventQueue(app, origin, `${origin}/000000000000/${name}`, client, attributes);
  await queue.create();
  return queue;
}
