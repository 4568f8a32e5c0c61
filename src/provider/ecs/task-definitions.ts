import type { TaskDefinition } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Clock } from "../../util/clock.ts";
import { unlessAborted } from "../../util/unless-aborted.ts";
import { isProviderError, ProviderError } from "../errors.ts";
import type { Logger } from "../../telemetry/log.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { EcsApi } from "./clients.ts";
import { accountKey, connectionOf } from "./connection.ts";
import { awsCause } from "./errors.ts";
import { definitionProblems } from "./brought-definition.ts";
import { isSameDefinition, registeredDefinition } from "./task-definition.ts";
import type { TaskDefinitionUse } from "./task-input.ts";

/** KnownDefinition is a task definition that runners can be started from, by its full ARN with revision. */
export interface KnownDefinition extends TaskDefinitionUse {
  /** Set when the operator registered it. */
  readonly hash?: string;
  readonly image?: string;
}

/** A family without a revision may get a newer one at any time. */
const familyLifeMs = 60_000;
const maxKnown = 500;
const ensureTimeoutMs = 30_000;
/** Every class that is used is checked, and so asks for its definitions, every ten minutes; a launch asks too. */
const idleBeforeRetirementMs = 60 * 60_000;
/** How long a process has to have looked before what nobody asked it for is nobody's: two rounds of checks, and some. */
const lookAroundMs = 25 * 60_000;

interface Entry {
  readonly definition: Promise<KnownDefinition>;
  readonly validUntilMs: number;
}

/**
 * TaskDefinitions finds or registers the task definition of a class. It remembers what it found, and all who ask at once share one
 * look-up: equal content registered twice would be two revisions, and AWS takes one registration a second.
 */
export class TaskDefinitions {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new BoundedMap<string, Entry>(maxKnown);
  /** When a definition of ours was last asked for, by whichever class. */
  readonly #wanted = new BoundedMap<string, number>(maxKnown);
  #lookingSinceMs: number | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * ensure resolves to the definition of a class.
   * @throws ProviderError InvalidRequest when the class cannot have one, TargetNotReady when one brought by the user is missing.
   */
  async ensure(api: EcsApi, spec: ECSRunnerClassSpec, signal: AbortSignal): Promise<KnownDefinition> {
    const { key, find, lifeMs } = this.#plan(api, spec);
    this.#lookingSinceMs ??= this.#clock.now();
    this.#wanted.set(key, this.#clock.now());
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() < known.validUntilMs) return unlessAborted(known.definition, signal);
    // A deadline of its own: the caller who came first may give up while others wait for the same answer.
    const definition = find(AbortSignal.timeout(ensureTimeoutMs)).catch((error: unknown) => {
      throw isProviderError(error)
        ? error
        : new ProviderError("Unavailable", "the task definition was not found or registered in time; it is repeated", {
            cause: error,
          });
    });
    this.#known.set(key, { definition, validUntilMs: this.#clock.now() + lifeMs });
    definition.catch(() => this.#drop(key, definition));
    return unlessAborted(definition, signal);
  }

  /** forget makes the next ensure() look again: ECS said that the definition is unknown or inactive. */
  forget(api: EcsApi, spec: ECSRunnerClassSpec): void {
    this.#known.delete(this.#plan(api, spec).key);
  }

  /**
   * retire deregisters a definition that one class needs no more, unless somebody else may: another class of this process that asked
   * for its hash within the hour, or one that this process had no time to hear of yet. Running tasks go on, and a launch that comes too
   * late registers it again. Returns whether it is gone.
   */
  async retire(
    api: EcsApi,
    spec: ECSRunnerClassSpec,
    { arn, hash }: { readonly arn: string; readonly hash: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = definitionKey(spec, hash);
    const nowMs = this.#clock.now();
    this.#lookingSinceMs ??= nowMs;
    const wantedMs = this.#wanted.get(key) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - this.#lookingSinceMs < lookAroundMs || nowMs - wantedMs < idleBeforeRetirementMs) return false;
    // Before the call: whoever asks while it is under way must not be given what goes.
    this.#known.delete(key);
    try {
      await api.deregisterTaskDefinition({ taskDefinition: arn }, signal);
      this.#log.info({ taskDefinition: arn }, "deregistered task definition");
    } catch (error) {
      // It does not exist: somebody else was faster.
      if (awsCause(error)?.name !== "ClientException" && awsCause(error)?.name !== "InvalidParameterException") throw error;
    }
    return true;
  }

  #drop(key: string, definition: Promise<KnownDefinition>): void {
    if (this.#known.get(key)?.definition === definition) this.#known.delete(key);
  }

  #plan(api: EcsApi, spec: ECSRunnerClassSpec) {
    const account = accountKey(connectionOf(spec));
    const { image, taskDefinition } = spec;
    if (taskDefinition !== undefined) {
      return {
        // What the definition must fit is part of the key: another class may use the same one with another container name.
        key: JSON.stringify([
          account,
          taskDefinition,
          spec.container.name,
          spec.network !== undefined,
          spec.resources,
          spec.capacity,
          spec.jitConfigDelivery.type,
        ]),
        lifeMs: /:[0-9]+$/.test(taskDefinition) ? Number.POSITIVE_INFINITY : familyLifeMs,
        find: (signal: AbortSignal) => this.#brought(api, spec, taskDefinition, signal),
      };
    }
    if (image === undefined)
      throw new ProviderError("InvalidRequest", "the class has neither image nor taskDefinition: set one of them");
    const wanted = registeredDefinition({ ...spec, image });
    return {
      key: definitionKey(spec, wanted.hash),
      lifeMs: Number.POSITIVE_INFINITY,
      find: async (signal: AbortSignal): Promise<KnownDefinition> => {
        const facts = { hash: wanted.hash, image };
        const found = await this.#describe(api, wanted.family, signal);
        if (found?.taskDefinitionArn !== undefined && isSameDefinition(found, wanted)) return { ...use(found), ...facts };
        const { taskDefinition: made } = await api.registerTaskDefinition(wanted.input, signal);
        if (made?.taskDefinitionArn === undefined) throw noAnswer();
        this.#log.info({ taskDefinition: made.taskDefinitionArn, image }, "registered task definition");
        return { ...use(made), ...facts };
      },
    };
  }

  async #brought(api: EcsApi, spec: ECSRunnerClassSpec, reference: string, signal: AbortSignal): Promise<KnownDefinition> {
    const found = await this.#describe(api, reference, signal);
    if (found === undefined || found.status === "INACTIVE") {
      throw new ProviderError(
        "TargetNotReady",
        `task definition ${reference} ${found === undefined ? "does not exist" : "is inactive"} in ${spec.region}: register it, or name another one`,
      );
    }
    const problems = definitionProblems(found, spec);
    if (problems.length > 0) {
      const name = `${found.family ?? reference}:${found.revision ?? "?"}`;
      throw new ProviderError("InvalidRequest", `task definition ${name} does not fit the class: ${problems.join("; ")}`);
    }
    const runner = found.containerDefinitions?.find(({ name }) => name === spec.container.name);
    return { ...use(found), environmentFiles: runner?.environmentFiles ?? [] };
  }

  async #describe(api: EcsApi, reference: string, signal: AbortSignal): Promise<TaskDefinition | undefined> {
    try {
      return (await api.describeTaskDefinition({ taskDefinition: reference }, signal)).taskDefinition;
    } catch (error) {
      // ECS has no exception for "not found": DescribeTaskDefinition answers ClientException then, and for nothing else.
      if (awsCause(error)?.name === "ClientException") return undefined;
      throw error;
    }
  }
}

function definitionKey(spec: ECSRunnerClassSpec, hash: string): string {
  return JSON.stringify([accountKey(connectionOf(spec)), hash]);
}

function use(definition: TaskDefinition): KnownDefinition {
  if (definition.taskDefinitionArn === undefined) throw noAnswer();
  return { arn: definition.taskDefinitionArn, networkMode: definition.networkMode || "bridge" };
}

function noAnswer(): ProviderError {
  return new ProviderError("Unavailable", "ECS answered without a task definition; the call is repeated");
}
