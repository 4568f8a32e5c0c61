import type * as Sdk from "@aws-sdk/client-ecs";
import type {
  DeregisterTaskDefinitionCommandInput,
  DeregisterTaskDefinitionCommandOutput,
  DescribeCapacityProvidersCommandInput,
  DescribeCapacityProvidersCommandOutput,
  DescribeClustersCommandInput,
  DescribeClustersCommandOutput,
  DescribeTaskDefinitionCommandInput,
  DescribeTaskDefinitionCommandOutput,
  DescribeTasksCommandInput,
  DescribeTasksCommandOutput,
  ECSClientConfig,
  ListTasksCommandInput,
  ListTasksCommandOutput,
  RegisterTaskDefinitionCommandInput,
  RegisterTaskDefinitionCommandOutput,
  RunTaskCommandInput,
  RunTaskCommandOutput,
  StopTaskCommandInput,
  StopTaskCommandOutput,
} from "@aws-sdk/client-ecs";
import { BoundedMap } from "./bounded-map.ts";
import { accountKey, type EcsConnection } from "./connection.ts";
import { toProviderError } from "./errors.ts";

/** EcsApi is the part of ECS that the provider uses. Its errors are ProviderErrors already, or the signal's reason. */
export interface EcsApi {
  runTask(input: RunTaskCommandInput, signal: AbortSignal): Promise<RunTaskCommandOutput>;
  stopTask(input: StopTaskCommandInput, signal: AbortSignal): Promise<StopTaskCommandOutput>;
  describeTasks(input: DescribeTasksCommandInput, signal: AbortSignal): Promise<DescribeTasksCommandOutput>;
  listTasks(input: ListTasksCommandInput, signal: AbortSignal): Promise<ListTasksCommandOutput>;
  describeClusters(input: DescribeClustersCommandInput, signal: AbortSignal): Promise<DescribeClustersCommandOutput>;
  describeTaskDefinition(
    input: DescribeTaskDefinitionCommandInput,
    signal: AbortSignal,
  ): Promise<DescribeTaskDefinitionCommandOutput>;
  registerTaskDefinition(
    input: RegisterTaskDefinitionCommandInput,
    signal: AbortSignal,
  ): Promise<RegisterTaskDefinitionCommandOutput>;
  deregisterTaskDefinition(
    input: DeregisterTaskDefinitionCommandInput,
    signal: AbortSignal,
  ): Promise<DeregisterTaskDefinitionCommandOutput>;
  describeCapacityProviders(
    input: DescribeCapacityProvidersCommandInput,
    signal: AbortSignal,
  ): Promise<DescribeCapacityProvidersCommandOutput>;
}

/** EcsSender is one SDK client: what sends the commands of an account and Region. */
export interface EcsSender {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.ECSClient;
}

/** OpenEcsSender makes the client of a connection. */
export type OpenEcsSender = (connection: EcsConnection) => Promise<EcsSender>;

/** Timeouts of one HTTP exchange, in milliseconds, as the SDK names them. */
interface Timeouts {
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
}

const defaultTimeouts: Timeouts = { connectionTimeout: 3_000, requestTimeout: 8_000 };

/** More accounts and Regions than anybody has; an evicted client is made again when it is needed. */
const maxClients = 64;

/** EcsClients keeps one SDK client for each account and Region, and speaks to the cluster of a connection through it. */
export class EcsClients {
  readonly #open: OpenEcsSender;
  /** Promises, so that the first calls at once share one client; a failed one is removed. */
  readonly #senders = new BoundedMap<string, Promise<EcsSender>>(maxClients);

  constructor(open: OpenEcsSender = (connection) => openEcsSender(connection)) {
    this.#open = open;
  }

  for(connection: EcsConnection): EcsApi {
    const send = async <Output>(
      operation: string,
      signal: AbortSignal,
      run: (sender: EcsSender) => Promise<Output>,
    ): Promise<Output> => {
      signal.throwIfAborted();
      try {
        return await run(await this.#sender(connection));
      } catch (error) {
        signal.throwIfAborted();
        throw toProviderError(error, { operation, connection });
      }
    };
    return {
      runTask: (input, abortSignal) =>
        send("RunTask", abortSignal, ({ client, sdk }) => client.send(new sdk.RunTaskCommand(input), { abortSignal })),
      stopTask: (input, abortSignal) =>
        send("StopTask", abortSignal, ({ client, sdk }) => client.send(new sdk.StopTaskCommand(input), { abortSignal })),
      describeTasks: (input, abortSignal) =>
        send("DescribeTasks", abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeTasksCommand(input), { abortSignal }),
        ),
      listTasks: (input, abortSignal) =>
        send("ListTasks", abortSignal, ({ client, sdk }) => client.send(new sdk.ListTasksCommand(input), { abortSignal })),
      describeClusters: (input, abortSignal) =>
        send("DescribeClusters", abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeClustersCommand(input), { abortSignal }),
        ),
      describeTaskDefinition: (input, abortSignal) =>
        send("DescribeTaskDefinition", abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeTaskDefinitionCommand(input), { abortSignal }),
        ),
      registerTaskDefinition: (input, abortSignal) =>
        send("RegisterTaskDefinition", abortSignal, ({ client, sdk }) =>
          client.send(new sdk.RegisterTaskDefinitionCommand(input), { abortSignal }),
        ),
      deregisterTaskDefinition: (input, abortSignal) =>
        send("DeregisterTaskDefinition", abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DeregisterTaskDefinitionCommand(input), { abortSignal }),
        ),
      describeCapacityProviders: (input, abortSignal) =>
        send("DescribeCapacityProviders", abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeCapacityProvidersCommand(input), { abortSignal }),
        ),
    };
  }

  /** close ends all connections; calls in flight fail. */
  async close(): Promise<void> {
    const senders = [...this.#senders.values()];
    this.#senders.clear();
    for (const sender of await Promise.allSettled(senders)) {
      if (sender.status === "fulfilled") sender.value.client.destroy();
    }
  }

  #sender(connection: EcsConnection): Promise<EcsSender> {
    const key = accountKey(connection);
    const known = this.#senders.get(key);
    if (known !== undefined) {
      this.#senders.set(key, known);
      return known;
    }
    const opening = this.#open(connection);
    this.#senders.set(key, opening);
    opening.catch(() => {
      if (this.#senders.get(key) === opening) this.#senders.delete(key);
    });
    return opening;
  }
}

/**
 * openEcsSender makes an SDK client with the credentials of the environment, or those of the class' role. The SDK is loaded here and
 * not before: it costs 30 MB that a program without ECS classes need not pay.
 *
 * One retry inside the SDK hides a keep-alive connection that had just been closed; it repeats the same bytes, clientToken included.
 * All further patience is the controllers'. Without throwOnRequestTimeout the SDK would only log that a call hangs.
 */
export async function openEcsSender(connection: EcsConnection, timeouts: Timeouts = defaultTimeouts): Promise<EcsSender> {
  const sdk = await import("@aws-sdk/client-ecs");
  const config: ECSClientConfig = {
    region: connection.region,
    maxAttempts: 2,
    requestHandler: { ...timeouts, throwOnRequestTimeout: true },
    ...(connection.endpoint !== undefined && { endpoint: connection.endpoint }),
    ...(connection.assumeRoleArn !== undefined && {
      credentials: await assumedRole(connection.region, connection.assumeRoleArn, timeouts),
    }),
  };
  return { sdk, client: new sdk.ECSClient(config) };
}

async function assumedRole(
  region: string,
  RoleArn: string,
  timeouts: Timeouts,
): Promise<NonNullable<ECSClientConfig["credentials"]>> {
  const { fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
  return fromTemporaryCredentials({
    params: { RoleArn, RoleSessionName: "getabako" },
    clientConfig: {
      region,
      maxAttempts: 2,
      requestHandler: { ...timeouts, throwOnRequestTimeout: true },
    },
  });
}
