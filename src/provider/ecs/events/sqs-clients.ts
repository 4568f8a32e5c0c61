import type * as Sdk from "@aws-sdk/client-sqs";
import type { DeleteMessageBatchCommandOutput, Message } from "@aws-sdk/client-sqs";
import { unlessAborted } from "../../../util/unless-aborted.ts";
import { ClientCache } from "../client-cache.ts";
import { AssumedRoles, clientConfig, handlerOptions, type SenderOptions } from "../client-config.ts";
import { accountKey, type EcsConnection } from "../connection.ts";
import { toQueueError } from "./errors.ts";

/** QueuePlace is how to reach a queue: with the credentials of the classes whose events it has. */
export interface QueuePlace {
  readonly queueUrl: string;
  readonly connection: EcsConnection;
}

/** QueueApi is the part of SQS that the provider uses. Its errors are ProviderErrors already, or the signal's reason. */
export interface QueueApi {
  /** Up to ten messages; waits up to `waitSeconds` for the first one. `hiddenSeconds`: by default what the queue says. */
  receive(
    options: { readonly waitSeconds: number; readonly count?: number; readonly hiddenSeconds?: number },
    signal: AbortSignal,
  ): Promise<readonly Message[]>;
  /** Up to ten at once. */
  remove(receiptHandles: readonly string[], signal: AbortSignal): Promise<DeleteMessageBatchCommandOutput>;
}

/** SqsSender is one SDK client. */
export interface SqsSender {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.SQSClient;
}

/** OpenSqsSender makes the client of a queue. */
export type OpenSqsSender = (place: QueuePlace) => Promise<SqsSender>;

/** longPollSeconds is the longest wait that SQS offers. */
export const longPollSeconds = 20;

/** Longer than a long poll, with time for the answer's way. */
const timeouts = { connectionTimeout: 3_000, requestTimeout: (longPollSeconds + 8) * 1_000 };
/** Of a whole call, the look-up of credentials and the SDK's one retry included. */
const deadlineMs = 40_000;

/** SqsClients keeps one SDK client for each account and endpoint of queues. */
export class SqsClients {
  readonly #senders: ClientCache<QueuePlace, SqsSender>;

  constructor(open: OpenSqsSender = openSqsSender) {
    this.#senders = new ClientCache(open, ({ connection, queueUrl }) => `${accountKey(connection)} ${originOf(queueUrl)}`);
  }

  for(place: QueuePlace): QueueApi {
    const { queueUrl: QueueUrl } = place;
    const send = async <Output>(
      operation: string,
      callerSignal: AbortSignal,
      run: (sender: SqsSender, abortSignal: AbortSignal) => Promise<Output>,
    ): Promise<Output> => {
      callerSignal.throwIfAborted();
      const signal = AbortSignal.any([callerSignal, AbortSignal.timeout(deadlineMs)]);
      try {
        // Ends with the signal even where the SDK does not listen to it: at the look-up of credentials.
        return await unlessAborted(
          this.#senders.get(place).then((sender) => run(sender, signal)),
          signal,
        );
      } catch (error) {
        callerSignal.throwIfAborted();
        throw toQueueError(error, operation, place);
      }
    };
    return {
      receive: async ({ waitSeconds, count = 10, hiddenSeconds }, signal) => {
        const { Messages } = await send("ReceiveMessage", signal, ({ client, sdk }, abortSignal) =>
          client.send(
            new sdk.ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages: count,
              WaitTimeSeconds: waitSeconds,
              ...(hiddenSeconds !== undefined && { VisibilityTimeout: hiddenSeconds }),
            }),
            { abortSignal },
          ),
        );
        return Messages ?? [];
      },
      remove: (receiptHandles, signal) =>
        send("DeleteMessage", signal, ({ client, sdk }, abortSignal) =>
          client.send(
            new sdk.DeleteMessageBatchCommand({
              QueueUrl,
              Entries: receiptHandles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
            }),
            { abortSignal },
          ),
        ),
    };
  }

  /** close ends all connections; calls in flight fail. */
  close(): Promise<void> {
    return this.#senders.close();
  }
}

/** originOf is where a queue's calls go: the host of its URL, as with AWS' own tools. */
export function originOf(queueUrl: string): string {
  return new URL(queueUrl).origin;
}

/** openSqsSender makes an SDK client with the credentials of the environment, or those of the classes' role. The SDK is loaded here. */
export async function openSqsSender(
  { queueUrl, connection }: QueuePlace,
  { roles = new AssumedRoles() }: Pick<SenderOptions, "roles"> = {},
): Promise<SqsSender> {
  const [sdk, config] = await Promise.all([import("@aws-sdk/client-sqs"), clientConfig(connection, { roles })]);
  const client = new sdk.SQSClient({
    ...config,
    // Only the queue is waited for so long, not the service that gives the credentials.
    requestHandler: handlerOptions(timeouts),
    // Named here, since the SDK prints a warning when it has to take it from the queue's URL by itself.
    endpoint: originOf(queueUrl),
  });
  return { sdk, client };
}
