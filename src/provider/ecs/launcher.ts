import type { RunTaskCommandOutput, Task } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Logger } from "../../telemetry/log.ts";
import { isProviderError, ProviderError, type Refusal } from "../errors.ts";
import type { Created } from "../types.ts";
import { BoundedMap } from "./bounded-map.ts";
import { isTurnedAway } from "./call-budget.ts";
import type { EcsApi } from "./clients.ts";
import type { Delivery } from "./delivery.ts";
import { awsCause } from "./errors.ts";
import { failureCause, failureMeaning } from "./failures.ts";
import { type HandOver, holdsJitConfig } from "./hand-over.ts";
import { toInstance } from "./instance.ts";
import type { Rung } from "./rung.ts";
import { findByRequest } from "./search.ts";
import { type Shape, shapeRunner } from "./shape.ts";
import type { TaskDefinitions } from "./task-definitions.ts";
import { type EcsLaunch, taskInput } from "./task-input.ts";

/** Progress is where a launch that is repeated has to go on: the rung that may have, or that surely has, given it a task. */
interface Progress {
  readonly rung: string;
  /** The rungs that refused before it. */
  readonly refusals: readonly Refusal[];
  /** The rung answered with neither a task nor a failure. */
  readonly emptyAnswer: boolean;
  /** RunTask was called for the rung, and no answer says that it started nothing. */
  readonly open: boolean;
}

/** Step is one rung of one launch. */
interface Step {
  readonly launch: EcsLaunch;
  readonly shape: Shape;
  readonly rung: Rung;
  readonly handOver: HandOver;
  readonly key: string;
  /** An earlier call for the rung may have started a task. */
  readonly wasOpen: boolean;
}

interface Accepted {
  readonly kind: "accepted";
  readonly task: Task;
  readonly adopted: boolean;
}

type Outcome =
  | Accepted
  | { readonly kind: "refused"; readonly reason: string; readonly message: string; readonly retryAfterMs?: number | undefined };

const maxProgress = 2_000;

/** Launcher climbs a class' ladder for one launch at a time. */
export class Launcher {
  readonly #definitions: TaskDefinitions;
  readonly #delivery: Delivery;
  readonly #log: Logger;
  /**
   * A launch may be repeated because its answer was lost, or because the caller could not store it. Repeated from the first rung, one
   * that a later rung accepted would get a second task as soon as the first has capacity again. Kept for the life of the process
   * only: after a crash the caller finds the task with list(), warned by GitHub, which knows the runner's name already.
   */
  readonly #progress = new BoundedMap<string, Progress>(maxProgress);
  /** The newest call for each launch, settled or not but never rejected: two calls for one launch climb one after the other. */
  readonly #climbing = new Map<string, Promise<void>>();

  constructor(definitions: TaskDefinitions, delivery: Delivery, log: Logger) {
    this.#definitions = definitions;
    this.#delivery = delivery;
    this.#log = log;
  }

  /**
   * launch tries the rungs in order. What can happen on a rung:
   * 1. ECS accepts: done.
   * 2. ECS has a task for the token already, made with other parameters (ConflictException): done, adopted.
   * 3. ECS says that it has no capacity there: the next rung.
   * 4. ECS says that the class is wrong, or the caller may not: the launch ends, nothing was started.
   * 5. Nobody knows (no answer, 5xx, throttled): the launch ends, and its repetition begins at this very rung.
   *
   * Until a call for that rung is answered, nothing else ends the launch: a caller who heard of a refusal would go on with the next try,
   * whose token is another one, beside a task that the lost call may have started.
   */
  async launch(api: EcsApi, launch: EcsLaunch, signal: AbortSignal): Promise<Created> {
    const key = JSON.stringify([launch.requestUid, launch.attempt, launch.tries]);
    const climb = (this.#climbing.get(key) ?? Promise.resolve()).then(() => this.#untilSettled(api, launch, key, signal));
    const settled = climb.then(ignore, ignore);
    this.#climbing.set(key, settled);
    try {
      return await climb;
    } finally {
      if (this.#climbing.get(key) === settled) this.#climbing.delete(key);
    }
  }

  clear(): void {
    this.#progress.clear();
  }

  /** Whatever is refused after a call without an answer (a role, a bucket, the class itself) says nothing about what that call started. */
  async #untilSettled(api: EcsApi, launch: EcsLaunch, key: string, signal: AbortSignal): Promise<Created> {
    try {
      return await this.#deliver(api, launch, key, signal);
    } catch (error) {
      throw isProviderError(error) && !mayHaveStarted(error) && this.#progress.get(key)?.open === true ? stillOpen(error) : error;
    }
  }

  /** What was delivered goes again when it is certain that no task has to read it. */
  async #deliver(api: EcsApi, launch: EcsLaunch, key: string, signal: AbortSignal): Promise<Created> {
    const shape = shapeOf(launch);
    // An earlier call that nobody knows the outcome of may have started a task that has yet to read it.
    const unsettled = this.#progress.get(key)?.open === true;
    const handOver = await this.#delivery.deliver(launch, signal);
    try {
      return await this.#climb(api, launch, shape, handOver, key, signal);
    } catch (error) {
      const startedNothing = isProviderError(error) && (error.unsent || !mayHaveStarted(error));
      if (startedNothing && !unsettled) this.#delivery.withdraw(launch);
      throw error;
    }
  }

  async #climb(
    api: EcsApi,
    launch: EcsLaunch,
    shape: Shape,
    handOver: HandOver,
    key: string,
    signal: AbortSignal,
  ): Promise<Created> {
    const capacity = shape.rungs;
    // A rung that was taken out of the class meanwhile cannot be asked again: then the ladder is climbed from its foot, unless what it
    // may have started is found.
    const known = this.#progress.get(key);
    const earlier = capacity.some(({ name }) => name === known?.rung) ? known : undefined;
    if (known?.open === true && earlier === undefined) {
      const task = await this.#find(api, launch, signal);
      if (task !== undefined) return this.#accept(launch, known.rung, found(task, launch), known.refusals);
    }
    const rungs = inOrder(launch, capacity, earlier);
    const refusals: Refusal[] = [...(earlier?.refusals ?? [])];
    let retryAfterMs: number | undefined;
    for (const rung of rungs) {
      const again = rung.name === earlier?.rung;
      const emptyAnswer = again && earlier.emptyAnswer;
      const wasOpen = again && earlier.open;
      this.#progress.set(key, { rung: rung.name, refusals: [...refusals], emptyAnswer, open: wasOpen });
      const outcome = await this.#try(api, { launch, shape, rung, handOver, key, wasOpen }, signal);
      if (outcome.kind === "accepted") return this.#accept(launch, rung.name, outcome, refusals);
      refusals.push({ capacity: rung.name, reason: outcome.reason, message: outcome.message });
      retryAfterMs = outcome.retryAfterMs ?? retryAfterMs;
      this.#log.debug({ runner: launch.runnerName, rung: rung.name, reason: outcome.reason }, "rung refused");
    }
    this.#progress.delete(key);
    throw new ProviderError("InsufficientCapacity", refusedByAll(refusals), {
      refusals,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }

  #accept(launch: EcsLaunch, rung: string, { task, adopted }: Accepted, refusals: readonly Refusal[]): Created {
    this.#delivery.accepted(launch, task);
    // For a task of this call the rung is known; ECS tells only the provider, which may be on more than one.
    const instance = toInstance(task, launch.class.spec.capacity);
    const capacity = adopted ? (instance.capacity ?? rung) : rung;
    return { instance: { ...instance, capacity }, adopted, refusals };
  }

  async #try(api: EcsApi, step: Step, signal: AbortSignal): Promise<Outcome> {
    const { launch, key, wasOpen } = step;
    try {
      return await this.#runTask(api, step, signal);
    } catch (error) {
      if (!isProviderError(error)) throw error;
      const cause = awsCause(error);
      // A quota may be reported as an exception instead of a failure.
      if (error.code === "InsufficientCapacity") {
        return { kind: "refused", reason: cause?.reason ?? error.code, message: error.message, retryAfterMs: error.retryAfterMs };
      }
      if (cause?.name === "ConflictException") return await this.#adopt(api, launch, cause.resourceIds, signal);
      // AWS looks at rights and fields before it looks at tokens: that a call is refused does not tell of the one before it.
      if (!mayHaveStarted(error) && !wasOpen) this.#progress.delete(key);
      // It asked for fewer calls instead of making this one, or we did.
      if (error.code === "Throttled") this.#setOpen(key, wasOpen);
      throw error;
    }
  }

  async #runTask(api: EcsApi, { launch, shape, rung, handOver, key, wasOpen }: Step, signal: AbortSignal): Promise<Outcome> {
    const spec = withImage(launch, shape);
    const run = async (): Promise<RunTaskCommandOutput> => {
      const definition = await this.#definitions.ensure(api, spec, signal);
      this.#setOpen(key, true);
      return api.runTask(taskInput(launch, shape, rung, definition, handOver), signal);
    };
    let answer: RunTaskCommandOutput;
    try {
      answer = await run();
    } catch (error) {
      if (isTurnedAway(error)) throw unsent(error);
      if (awsCause(error)?.reason !== "TaskDefinitionNotFound") throw error;
      // Somebody deregistered it after we had seen it. ECS started nothing, so the token is free for the new revision.
      this.#definitions.forget(api, spec);
      this.#setOpen(key, wasOpen);
      answer = await run().catch((again: unknown) => {
        throw isTurnedAway(again) ? unsent(again) : again;
      });
    }
    const task = answer.tasks?.[0];
    if (task !== undefined) return { kind: "accepted", task, adopted: false };
    const failure = answer.failures?.[0];
    if (failure === undefined) return await this.#afterEmptyAnswer(api, launch, rung, key, signal);
    const { code, ...meaning } = failureMeaning(failure);
    if (code === "InsufficientCapacity") return { kind: "refused", ...meaning };
    // ECS' word that it started nothing, whatever the reason: the repetition may begin at the foot again.
    this.#progress.delete(key);
    throw new ProviderError(code, meaning.message, { cause: failureCause(meaning) });
  }

  /**
   * ConflictException: an earlier call of this launch came through, with another JIT configuration or for the class as it was then.
   * Its task is taken as it is. If ECS names none, that call may have started nothing and only used its token up; a look at the tasks
   * decides.
   */
  async #adopt(api: EcsApi, launch: EcsLaunch, resourceIds: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const arn = resourceIds[0] ?? (await this.#find(api, launch, signal))?.taskArn;
    if (arn === undefined) {
      return {
        kind: "refused",
        reason: "TokenUsed",
        message: "an earlier call of this launch was refused, and ECS does not repeat it",
      };
    }
    const known: Task = { taskArn: arn, startedBy: launch.requestUid, group: launch.runnerName };
    this.#log.info({ runner: launch.runnerName, providerId: arn }, "adopted task of an earlier call");
    try {
      const { tasks } = await api.describeTasks({ cluster: launch.class.spec.cluster, tasks: [arn] }, signal);
      return found(tasks?.[0] ?? known, launch);
    } catch (error) {
      // The id is what matters: stored, it leads to all the rest later. Losing it for a throttled look would leave a task unowned.
      if (!isProviderError(error)) throw error;
      return found(known, launch);
    }
  }

  /** Neither a task nor a failure: ECS does not document it. The first time the outcome counts as unknown, the second as a refusal. */
  async #afterEmptyAnswer(api: EcsApi, launch: EcsLaunch, rung: Rung, key: string, signal: AbortSignal): Promise<Outcome> {
    const task = await this.#find(api, launch, signal);
    if (task !== undefined) return found(task, launch);
    const progress = this.#progress.get(key);
    if (progress?.emptyAnswer === true) {
      return { kind: "refused", reason: "EmptyAnswer", message: "ECS answered twice with neither a task nor a reason" };
    }
    this.#progress.set(key, { rung: rung.name, refusals: progress?.refusals ?? [], emptyAnswer: true, open: true });
    throw new ProviderError("Unavailable", "ECS answered RunTask with neither a task nor a reason; the call is repeated");
  }

  /** Looks for the task of a call whose answer said too little. That nobody may look does not mean that there is none. */
  async #find(api: EcsApi, launch: EcsLaunch, signal: AbortSignal): Promise<Task | undefined> {
    try {
      for await (const task of findByRequest(api, launch.class.spec.cluster, launch.requestUid, signal)) {
        if (task.group === launch.runnerName) return task;
      }
      return undefined;
    } catch (error) {
      throw isProviderError(error) ? stillOpen(error) : error;
    }
  }

  #setOpen(key: string, open: boolean): void {
    const progress = this.#progress.get(key);
    if (progress !== undefined) this.#progress.set(key, { ...progress, open });
  }
}

/** The class may have changed since the launch was admitted: what it cannot give any more waits for the next change. */
function shapeOf({ class: cls, overrides }: EcsLaunch): Shape {
  const shaping = shapeRunner(cls.spec, overrides);
  if (shaping.ok) return shaping.shape;
  throw new ProviderError("InvalidRequest", shaping.problems.join("; "));
}

/**
 * The order in which the rungs are tried: those to be avoided last, since a rung that fails often is better than none. A launch that is
 * repeated goes on where it was; what refused it before is not asked again, and what was passed over then has its turn, whatever is to be
 * avoided by now.
 */
function inOrder({ avoid }: EcsLaunch, rungs: readonly Rung[], earlier: Progress | undefined): readonly Rung[] {
  const asked = (name: string): boolean => earlier?.refusals.some(({ capacity }) => capacity === name) === true;
  const place = ({ name }: Rung): number => (name === earlier?.rung ? 0 : avoid.includes(name) ? 2 : 1);
  return rungs.filter(({ name }) => !asked(name)).toSorted((a, b) => place(a) - place(b));
}

/** The class as the definition of this runner is made from it. */
function withImage({ class: { spec } }: EcsLaunch, { image }: Shape): ECSRunnerClassSpec {
  return image === undefined || image === spec.image ? spec : { ...spec, image };
}

/** Codes after which a task may have been started. Any other is ECS' word that none was. */
function mayHaveStarted({ code }: ProviderError): boolean {
  return code === "Unavailable" || code === "Throttled" || code === "Internal";
}

/** The outcome of an earlier call is not known, whatever stands in the way of asking for it. */
function stillOpen({ message, cause, retryAfterMs }: ProviderError): ProviderError {
  const sentence = `an earlier call may have started the runner, so the launch is repeated: ${message}`;
  return new ProviderError("Unavailable", sentence, { cause, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

/** A task of an earlier call. The caller cleans up after the configuration it handed over, unless that is the one the task runs with. */
function found(task: Task, launch: EcsLaunch): Accepted {
  return { kind: "accepted", task, adopted: !holdsJitConfig(task, launch) };
}

/**
 * RunTask was not called, nor did another rung leave anything open. Of the other calls of a launch this cannot be said: they are made
 * where an answer of RunTask says too little.
 */
function unsent({ message, cause, retryAfterMs }: ProviderError): ProviderError {
  return new ProviderError("Throttled", message, { cause, unsent: true, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

function ignore(): void {}

/** One sentence for the condition; each rung's own words are in the refusals. */
function refusedByAll(refusals: readonly Refusal[]): string {
  const [only] = refusals;
  return refusals.length === 1 && only !== undefined
    ? `no capacity on ${only.capacity}: ${only.message}`
    : `no capacity on any rung: ${refusals.map(({ capacity, reason }) => `${capacity} (${reason})`).join(", ")}`;
}
