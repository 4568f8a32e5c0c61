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
import type { AwsCallRecorder } from "../aws-metrics.ts";
import type { ProviderError } from "../errors.ts";
import { type CallBudgets, type EcsOperation, isThrottle, isTurnedAway } from "./call-budget.ts";
import { ClientCache } from "./client-cache.ts";
import { clientConfig, type SenderOptions } from "./client-config.ts";
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
  /** How often a call is made whose answer is lost; once if absent. */
  readonly tries?: number;
}

/** OpenEcsSender makes the client of a connection. */
export type OpenEcsSender = (connection: EcsConnection) => Promise<EcsSender>;

/** Call is one call of the API; of its input the budget reads which buckets it draws on. */
interface Call<Output> {
  readonly operation: EcsOperation;
  readonly input: object;
  readonly signal: AbortSignal;
  readonly run: (sender: EcsSender) => Promise<Output>;
}

/** EcsClientsOptions: calls are made within `budgets`, which everybody shares who calls the same accounts. */
export interface EcsClientsOptions {
  readonly budgets: CallBudgets;
  readonly metrics?: AwsCallRecorder | undefined;
  readonly open?: OpenEcsSender | undefined;
}

/** EcsClients keeps one SDK client for each account and Region, and speaks to the cluster of a connection through it. */
export class EcsClients {
  readonly #budgets: CallBudgets;
  readonly #metrics: AwsCallRecorder | undefined;
  readonly #senders: ClientCache<EcsConnection, EcsSender>;

  constructor({ budgets, metrics, open = (connection) => openEcsSender(connection) }: EcsClientsOptions) {
    this.#budgets = budgets;
    this.#metrics = metrics;
    this.#senders = new ClientCache(open, accountKey);
  }

  for(connection: EcsConnection): EcsApi {
    const send = <Input extends object, Output>(
      operation: EcsOperation,
      input: Input,
      signal: AbortSignal,
      run: (sender: EcsSender) => Promise<Output>,
    ): Promise<Output> => this.#send(connection, { operation, input, signal, run });
    return {
      runTask: (input, abortSignal) =>
        send("RunTask", input, abortSignal, ({ client, sdk }) => client.send(new sdk.RunTaskCommand(input), { abortSignal })),
      stopTask: (input, abortSignal) =>
        send("StopTask", input, abortSignal, ({ client, sdk }) => client.send(new sdk.StopTaskCommand(input), { abortSignal })),
      describeTasks: (input, abortSignal) =>
        send("DescribeTasks", input, abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeTasksCommand(input), { abortSignal }),
        ),
      listTasks: (input, abortSignal) =>
        send("ListTasks", input, abortSignal, ({ client, sdk }) => client.send(new sdk.ListTasksCommand(input), { abortSignal })),
      describeClusters: (input, abortSignal) =>
        send("DescribeClusters", input, abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeClustersCommand(input), { abortSignal }),
        ),
      describeTaskDefinition: (input, abortSignal) =>
        send("DescribeTaskDefinition", input, abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeTaskDefinitionCommand(input), { abortSignal }),
        ),
      registerTaskDefinition: (input, abortSignal) =>
        send("RegisterTaskDefinition", input, abortSignal, ({ client, sdk }) =>
          client.send(new sdk.RegisterTaskDefinitionCommand(input), { abortSignal }),
        ),
      deregisterTaskDefinition: (input, abortSignal) =>
        send("DeregisterTaskDefinition", input, abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DeregisterTaskDefinitionCommand(input), { abortSignal }),
        ),
      describeCapacityProviders: (input, abortSignal) =>
        send("DescribeCapacityProviders", input, abortSignal, ({ client, sdk }) =>
          client.send(new sdk.DescribeCapacityProvidersCommand(input), { abortSignal }),
        ),
    };
  }

  /** close ends all connections; calls in flight fail. */
  async close(): Promise<void> {
    this.#budgets.close();
    await this.#senders.close();
  }

  /**
   * Every call that reaches AWS has its token, also one that repeats a lost answer. What AWS throttles is not repeated here: that would be
   * one more call over the budget, and would hide the refusal from it.
   */
  async #send<Output>(connection: EcsConnection, { operation, input, signal, run }: Call<Output>): Promise<Output> {
    const budget = this.#budgets.of(connection);
    let lost: ProviderError | undefined;
    for (let tried = 1; ; tried += 1) {
      signal.throwIfAborted();
      const sender = await this.#senders.get(connection).catch((error: unknown) => {
        throw toProviderError(error, { operation, connection });
      });
      const permit = await budget.enter(operation, input, signal).catch((error: unknown) => {
        // The first try may have been carried out: nobody must take the call for one that was not made.
        throw lost !== undefined && isTurnedAway(error) ? lost : error;
      });
      try {
        const output = await run(sender);
        this.#metrics?.called(operation, "OK");
        return output;
      } catch (error) {
        if (signal.aborted) this.#metrics?.called(operation, "Cancelled");
        signal.throwIfAborted();
        const failure = toProviderError(error, { operation, connection });
        this.#metrics?.called(operation, failure.code);
        if (isThrottle(failure)) throw budget.refused(permit, failure);
        const passes = failure.code === "Unavailable" || isClockCorrected(error);
        if (!passes || tried >= (sender.tries ?? 1)) throw failure;
        if (failure.code === "Unavailable") lost = failure;
      }
    }
  }
}

/** The SDK takes AWS' time over from an answer that refuses ours, and signs the next call with it. */
function isClockCorrected(error: unknown): boolean {
  return (error as { readonly $metadata?: { readonly clockSkewCorrected?: boolean } }).$metadata?.clockSkewCorrected === true;
}

/**
 * openEcsSender makes an SDK client. The SDK is loaded here and not before: it costs 30 MB that a program without ECS classes need not pay.
 *
 * The SDK itself repeats nothing, since it would repeat throttled calls too. One repetition of ours hides a keep-alive connection that
 * had just been closed; it sends the same bytes, clientToken included. All further patience is the controllers'.
 */
export async function openEcsSender(connection: EcsConnection, options: SenderOptions = {}): Promise<EcsSender> {
  const [sdk, config] = await Promise.all([import("@aws-sdk/client-ecs"), clientConfig(connection, options)]);
  const { endpoint } = connection;
  return { sdk, client: new sdk.ECSClient({ ...config, maxAttempts: 1, ...(endpoint !== undefined && { endpoint }) }), tries: 2 };
}
