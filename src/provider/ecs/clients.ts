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
  ListTasksCommandInput,
  ListTasksCommandOutput,
  RegisterTaskDefinitionCommandInput,
  RegisterTaskDefinitionCommandOutput,
  RunTaskCommandInput,
  RunTaskCommandOutput,
  StopTaskCommandInput,
  StopTaskCommandOutput,
} from "@aws-sdk/client-ecs";
import { ClientCache } from "./client-cache.ts";
import { clientConfig, type SenderOptions } from "./client-config.ts";
import type { EcsConnection } from "./connection.ts";
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

/** EcsClients keeps one SDK client for each account and Region, and speaks to the cluster of a connection through it. */
export class EcsClients {
  readonly #senders: ClientCache<EcsSender>;

  constructor(open: OpenEcsSender = (connection) => openEcsSender(connection)) {
    this.#senders = new ClientCache(open);
  }

  for(connection: EcsConnection): EcsApi {
    const send = async <Output>(
      operation: string,
      signal: AbortSignal,
      run: (sender: EcsSender) => Promise<Output>,
    ): Promise<Output> => {
      signal.throwIfAborted();
      try {
        return await run(await this.#senders.get(connection));
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
  close(): Promise<void> {
    return this.#senders.close();
  }
}

/** openEcsSender makes an SDK client. The SDK is loaded here and not before: it costs 30 MB that a program without ECS classes need not pay. */
export async function openEcsSender(connection: EcsConnection, options: SenderOptions = {}): Promise<EcsSender> {
  const [sdk, config] = await Promise.all([import("@aws-sdk/client-ecs"), clientConfig(connection, options)]);
  const { endpoint } = connection;
  return { sdk, client: new sdk.ECSClient({ ...config, ...(endpoint !== undefined && { endpoint }) }) };
}
