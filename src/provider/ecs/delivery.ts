import type { Task } from "@aws-sdk/client-ecs";
import type { Logger } from "../../telemetry/log.ts";
import { connectionOf, type EcsConnection } from "./connection.ts";
import { deliveredTo, deliveryObject, fileArns, objectArn, type S3Object } from "./delivery-object.ts";
import { envFile } from "./env-file.ts";
import { type HandOver, handOverByEnvironment, handOverByFile } from "./hand-over.ts";
import { toState } from "./instance.ts";
import { jitConfigVariable } from "./jit-config-variable.ts";
import { Removals } from "./removals.ts";
import type { S3Store } from "./s3-store.ts";
import type { EcsLaunch } from "./task-input.ts";

/**
 * Delivery brings JIT configurations to their containers as the class says. With S3 an object is put before the task is started, one
 * for each attempt and configuration, and removed as soon as nobody has to read it any more:
 *
 * 1. the task runs: the agent has read the object before it started the container.
 * 2. the task ends or has ended, whether it ran or not.
 * 3. nothing was started and it is certain: the next try puts the object again. To keep it would save that call, but leave it behind
 *    whenever no next try comes, and only the caller knows whether one does.
 * 4. the task is one of an earlier call, which named another object.
 *
 * What is not seen by the process that put it is left to the bucket's lifecycle rule: after a crash between put and RunTask, or when a
 * call without an answer started nothing. The registration that it is for is removed long before.
 */
export class Delivery {
  readonly #store: S3Store;
  readonly #removals: Removals;

  constructor(store: S3Store, log: Logger) {
    this.#store = store;
    this.#removals = new Removals(store, log);
  }

  /** deliver gives what the container's override has to carry. It may be repeated: the same launch gives the same bytes. */
  async deliver(launch: EcsLaunch, signal: AbortSignal): Promise<HandOver> {
    const target = s3Target(launch);
    if (target === undefined) return handOverByEnvironment(launch.jitConfig);
    const body = envFile(jitConfigVariable, launch.jitConfig);
    await this.#removals.keep(target.object, signal);
    await this.#store.put(target.connection, target.object, { body, kmsKeyArn: target.kmsKeyArn }, signal);
    return handOverByFile(target.arn);
  }

  /** accepted: a task was started, or one of an earlier call was found. */
  accepted(launch: EcsLaunch, task: Task): void {
    const target = s3Target(launch);
    // A task that ECS does not describe yet may well have our object.
    if (target !== undefined && task.overrides !== undefined && !fileArns(task).includes(target.arn)) this.withdraw(launch);
    this.seen(connectionOf(launch.class.spec), task);
  }

  /** withdraw: no task has to read what was delivered. */
  withdraw(launch: EcsLaunch): void {
    const target = s3Target(launch);
    if (target !== undefined) this.#removals.remove(target.connection, target.object);
  }

  /** seen: ECS showed a task, by whatever way. */
  seen(connection: EcsConnection, task: Task): void {
    if (toState(task) === "Pending") return;
    for (const object of deliveredTo(task)) this.#removals.remove(connection, object);
  }

  /** close gives up removals that are under way. */
  close(): Promise<void> {
    return this.#removals.close();
  }
}

interface S3Target {
  readonly connection: EcsConnection;
  readonly object: S3Object;
  readonly arn: string;
  readonly kmsKeyArn: string | undefined;
}

function s3Target(launch: EcsLaunch): S3Target | undefined {
  const { spec } = launch.class;
  const { type, s3 } = spec.jitConfigDelivery;
  if (type !== "S3" || s3 === undefined) return undefined;
  const object = deliveryObject(s3, launch);
  return { connection: connectionOf(spec), object, arn: objectArn(spec.region, object), kmsKeyArn: s3.kmsKeyArn };
}
