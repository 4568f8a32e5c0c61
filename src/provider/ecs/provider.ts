import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { OverridePolicy, Overrides } from "../../api/v1alpha1/overrides.ts";
import { ecsRunnerClassResource } from "../../api/v1alpha1/resources.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import type { AwsCallRecorder } from "../aws-metrics.ts";
import { isProviderError, ProviderError } from "../errors.ts";
import type {
  Capabilities,
  CheckResult,
  Created,
  Feed,
  Instance,
  Launch,
  Place,
  Provider,
  Resolution,
  ResolvedClass,
} from "../types.ts";
import { BoundedMap } from "./bounded-map.ts";
import { CallBudgets } from "./call-budget.ts";
import { checkClass } from "./check.ts";
import { AssumedRoles } from "./client-config.ts";
import { type EcsApi, EcsClients, openEcsSender, type OpenEcsSender } from "./clients.ts";
import { connectionOf, type EcsConnection, parseConnection } from "./connection.ts";
import { Delivery } from "./delivery.ts";
import { awsCause } from "./errors.ts";
import { queueFeed, queueFindings } from "./events/queue.ts";
import { openSqsSender, type OpenSqsSender, SqsClients } from "./events/sqs-clients.ts";
import { toInstance } from "./instance.ts";
import { Launcher } from "./launcher.ts";
import { Lessons } from "./lessons.ts";
import { quote } from "./quote.ts";
import { openS3Sender, type OpenS3Sender, S3Store } from "./s3-store.ts";
import { describeBatch, findAll, findByRequest } from "./search.ts";
import { shapeRunner } from "./shape.ts";
import { stopReasonPrefix } from "./stop-cause.ts";
import { isOfClass } from "./tags.ts";
import { taskArnPattern } from "./task-arn.ts";
import { TaskDefinitions } from "./task-definitions.ts";

/** EcsProviderOptions are what the provider is built from. */
export interface EcsProviderOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly awsCalls?: AwsCallRecorder;
  /** How many times faster than AWS allows calls may go; 1 unless told. */
  readonly pace?: number;
  /** Makes SDK clients; by default with the usual AWS_* environment. */
  readonly openSender?: OpenEcsSender;
  /** The same for S3. */
  readonly openS3Sender?: OpenS3Sender;
  /** The same for SQS. */
  readonly openSqsSender?: OpenSqsSender;
}

/** ECS may need up to five minutes until every call sees a new task. */
const consistencyMs = 5 * 60_000;
const maxRecent = 10_000;

/** EcsProvider runs runners as standalone ECS tasks: one task for one attempt of one request. */
export class EcsProvider implements Provider<ECSRunnerClassSpec> {
  readonly classKind = ecsRunnerClassResource.kind;
  readonly capabilities: Capabilities = { idempotentCreate: true, observable: true, listable: true };
  readonly #clock: Clock;
  readonly #clients: EcsClients;
  readonly #queues: SqsClients;
  readonly #definitions: TaskDefinitions;
  readonly #store: S3Store;
  readonly #delivery: Delivery;
  readonly #launcher: Launcher;
  readonly #lessons: Lessons;
  /**
   * When we started which task, for as long as ECS may not show it everywhere. Not remembered across a restart: who asks for a task
   * as young as that then hears "gone", and must hold it against the launch time it has stored itself.
   */
  readonly #recent = new BoundedMap<string, number>(maxRecent);
  /** Which class a task was started by, for what its events teach about that. */
  readonly #classOf = new BoundedMap<string, Place["classRef"]>(maxRecent);

  constructor({ clock, log, awsCalls: metrics, pace, ...options }: EcsProviderOptions) {
    const roles = new AssumedRoles();
    const open = options.openSender ?? ((connection: EcsConnection) => openEcsSender(connection, { roles }));
    this.#clock = clock;
    this.#clients = new EcsClients({ budgets: new CallBudgets({ clock, pace, metrics }), metrics, open });
    this.#queues = new SqsClients(options.openSqsSender ?? ((place) => openSqsSender(place, { roles })));
    this.#definitions = new TaskDefinitions(clock, log);
    this.#store = new S3Store(options.openS3Sender ?? ((connection) => openS3Sender(connection, { roles })));
    this.#delivery = new Delivery(this.#store, log);
    this.#launcher = new Launcher(this.#definitions, this.#delivery, log);
    this.#lessons = new Lessons(clock);
  }

  connection(cls: ResolvedClass<ECSRunnerClassSpec>): Readonly<Record<string, string>> {
    return { ...connectionOf(cls.spec) };
  }

  resolve(cls: ResolvedClass<ECSRunnerClassSpec>, overrides: Overrides, policy?: OverridePolicy): Resolution {
    const shaping = shapeRunner(cls.spec, overrides, policy);
    return shaping.ok ? { ok: true, overrides: shaping.overrides } : shaping;
  }

  async create(launch: Launch<ECSRunnerClassSpec>, signal: AbortSignal): Promise<Created> {
    const api = this.#clients.for(connectionOf(launch.class.spec));
    try {
      const created = await this.#launcher.launch(api, launch, signal);
      this.#recent.set(created.instance.id, this.#clock.now());
      const { kind, namespace, name } = launch.class;
      this.#classOf.set(created.instance.id, { kind, namespace, name });
      this.#lessons.launched(launch.class);
      return created;
    } catch (error) {
      this.#lessons.refused(launch, error);
      throw error;
    }
  }

  /** A task that ECS does not show yet, less than five minutes after we started it, is left out of the answer: neither there nor gone. */
  async get(place: Place, ids: readonly string[], signal: AbortSignal): Promise<Map<string, Instance | "gone">> {
    const connection = this.#connectionTo(place);
    const api = this.#clients.for(connection);
    const found = new Map<string, Instance | "gone">();
    // One malformed id would make ECS refuse the whole batch; an id of ours always has this form.
    const arns = [...new Set(ids)].filter((id) => taskArnPattern.test(id) || !found.set(id, "gone"));
    for (let start = 0; start < arns.length; start += describeBatch) {
      const batch = arns.slice(start, start + describeBatch);
      await this.#describe(api, connection, place, batch, found, signal);
    }
    return found;
  }

  async delete(place: Place, id: string, reason: string, signal: AbortSignal): Promise<void> {
    if (!taskArnPattern.test(id)) return;
    const connection = this.#connectionTo(place);
    const api = this.#clients.for(connection);
    const why = `${stopReasonPrefix}${quote(reason, 255 - stopReasonPrefix.length)}`;
    try {
      const { task } = await api.stopTask({ cluster: connection.cluster, task: id, reason: why }, signal);
      if (task !== undefined) this.#delivery.seen(connection, task);
    } catch (error) {
      const name = awsCause(error)?.name;
      if (name === "ClusterNotFoundException") return;
      // An unknown task is an invalid parameter to StopTask, but so may be other things.
      if (name === "InvalidParameterException" && (await this.#isOver(api, connection, id, signal))) return;
      throw error;
    }
  }

  async *list(
    cls: ResolvedClass<ECSRunnerClassSpec>,
    filter: { readonly requestUid?: string },
    signal: AbortSignal,
  ): AsyncGenerator<Instance, void, undefined> {
    const { cluster, capacity } = cls.spec;
    const connection = connectionOf(cls.spec);
    const api = this.#clients.for(connection);
    const { requestUid } = filter;
    const tasks = requestUid === undefined ? findAll(api, cluster, signal) : findByRequest(api, cluster, requestUid, signal);
    for await (const task of tasks) {
      // A request's uid is unique in the world; without one, the class' uid tells our tasks from those of another operator.
      if (requestUid === undefined && !isOfClass(task.tags, cls)) continue;
      this.#delivery.seen(connection, task);
      const instance = toInstance(task, capacity);
      if (instance.requestUid !== undefined && instance.state !== "Stopped") yield instance;
    }
  }

  async check(cls: ResolvedClass<ECSRunnerClassSpec>, signal: AbortSignal): Promise<CheckResult> {
    const parts = {
      api: this.#clients.for(connectionOf(cls.spec)),
      definitions: this.#definitions,
      lessons: this.#lessons,
      store: this.#store,
      nowMs: this.#clock.now(),
    };
    const [result, queue] = await Promise.all([checkClass(parts, cls, signal), queueFindings(this.#queues, cls.spec, signal)]);
    return { ...result, findings: [...result.findings, ...queue] };
  }

  /** Task state changes, where the class names the queue that an EventBridge rule fills with them. */
  feed(cls: ResolvedClass<ECSRunnerClassSpec>): Feed | undefined {
    const connection = connectionOf(cls.spec);
    return queueFeed(this.#queues, cls.spec, (task, instance) => {
      this.#delivery.seen(connection, task);
      // An event does not say which class its task is of. What this process did not start teaches nothing, which costs a lesson at most.
      const classRef = this.#classOf.get(instance.id);
      if (classRef !== undefined) this.#lessons.observed({ classRef, connection: {} }, task, instance);
      if (instance.state === "Stopped") this.#classOf.delete(instance.id);
    });
  }

  /** close ends all connections to AWS. */
  async close(): Promise<void> {
    this.#launcher.clear();
    await this.#delivery.close();
    await Promise.all([this.#clients.close(), this.#store.close(), this.#queues.close()]);
  }

  async #describe(
    api: EcsApi,
    connection: EcsConnection,
    place: Place,
    arns: readonly string[],
    found: Map<string, Instance | "gone">,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const { tasks, failures } = await api.describeTasks({ cluster: connection.cluster, tasks: [...arns] }, signal);
      for (const task of tasks ?? []) {
        if (task.taskArn === undefined) continue;
        this.#delivery.seen(connection, task);
        const instance = toInstance(task);
        found.set(task.taskArn, instance);
        this.#lessons.observed(place, task, instance);
        this.#recent.delete(task.taskArn);
      }
      for (const { arn, reason } of failures ?? []) {
        if (arn !== undefined && reason === "MISSING" && !found.has(arn) && !this.#isYoung(arn)) found.set(arn, "gone");
      }
    } catch (error) {
      // A cluster can only be deleted once it has no tasks.
      if (awsCause(error)?.name !== "ClusterNotFoundException") throw error;
      for (const arn of arns) found.set(arn, "gone");
    }
  }

  async #isOver(api: EcsApi, { cluster }: EcsConnection, id: string, signal: AbortSignal): Promise<boolean> {
    const { tasks, failures } = await api.describeTasks({ cluster, tasks: [id] }, signal);
    const [task] = tasks ?? [];
    if (task !== undefined) return toInstance(task).state === "Stopped";
    // A task too young to be seen must be stopped later: taking it for gone would leave it running.
    return (failures ?? []).some(({ reason }) => reason === "MISSING") && !this.#isYoung(id);
  }

  #isYoung(id: string): boolean {
    const startedAt = this.#recent.get(id);
    return startedAt !== undefined && this.#clock.now() - startedAt < consistencyMs;
  }

  #connectionTo(place: Place): EcsConnection {
    try {
      return parseConnection(place.connection);
    } catch (error) {
      if (isProviderError(error)) throw error;
      throw new ProviderError(
        "InvalidRequest",
        "the stored place of the instance names no Region or no cluster; remove the instance by hand",
        {
          cause: error,
        },
      );
    }
  }
}

/** createEcsProvider makes the ECS provider; it connects to nothing before its first call. */
export function createEcsProvider(options: EcsProviderOptions): EcsProvider {
  return new EcsProvider(options);
}

/** ecsProvider is the ECS provider's entry in a list of provider modules. */
export const ecsProvider = {
  classKind: ecsRunnerClassResource.kind,
  create: createEcsProvider,
} as const;
