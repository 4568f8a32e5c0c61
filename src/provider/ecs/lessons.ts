import type { Task } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import { isProviderError } from "../errors.ts";
import type { Finding, Instance, Launch, Place, ResolvedClass } from "../types.ts";
import { BoundedMap } from "./bounded-map.ts";
import { awsCause } from "./errors.ts";
import { error, warning } from "./finding.ts";
import { runnerContainer } from "./instance.ts";

/**
 * For how long a lesson holds that nothing has contradicted. With the first kind Ready is False, nothing is launched, and so only time
 * can tell that a role was mended; what only a change of the class or of its network mends is tried as seldom as a request would by
 * itself. Warnings outlive the quarter of an hour between two slow attempts.
 */
const stopsMs = { Unauthorized: 5 * 60_000, ClusterNotFound: 5 * 60_000, NetworkInvalid: 15 * 60_000 } as const;
const warnsMs = 20 * 60_000;

const maxClasses = 500;
/** The class' own image and its `images`. */
const maxImages = 17;

/** What RunTask says that is true of every launch of the class; the check cannot ask for it without launching. */
const stopping: Readonly<Record<string, keyof typeof stopsMs>> = {
  PassRoleDenied: "Unauthorized",
  AccessDenied: "Unauthorized",
  AccountBlocked: "Unauthorized",
  NetworkInvalid: "NetworkInvalid",
  ClusterNotFound: "ClusterNotFound",
};

interface Lesson {
  readonly finding: Finding;
  readonly life: Wait;
}

/** What became of the tasks with one image. Times are those of the backend, which orders them; our clock only ends the lesson. */
interface Starts {
  failedAtMs: number;
  workedAtMs: number;
  lesson: (Lesson & { readonly onlyExitProves: boolean }) | undefined;
}

interface Learnt {
  /** Undefined until a launch or a check has told it. */
  uid: string | undefined;
  generation: number | undefined;
  refused: Lesson | undefined;
  readonly starts: BoundedMap<string, Starts>;
}

/**
 * Lessons keeps what launches have shown and no check can ask: whether the operator may pass the roles to RunTask, whether the network
 * exists, whether the execution role may pull the image and write the logs. It is a cache: after a restart the next failure teaches
 * it again. A lesson is forgotten after a launch (or a start) that worked, after a change of the class, and after a while.
 */
export class Lessons {
  readonly #clock: Clock;
  readonly #classes = new BoundedMap<string, Learnt>(maxClasses);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** launched notes that ECS accepted a launch. */
  launched(cls: ResolvedClass<ECSRunnerClassSpec>): void {
    this.#of(cls).refused = undefined;
  }

  /** refused notes what a launch of a class was refused for, if that is more than a lack of capacity. */
  refused({ class: cls, overrides }: Launch<ECSRunnerClassSpec>, failure: unknown): void {
    const cause = awsCause(failure);
    // Whatever the other calls of a launch are refused for, the check meets it too.
    if (!isProviderError(failure) || cause?.operation !== "RunTask") return;
    if (failure.code !== "Unauthorized" && failure.code !== "InvalidRequest" && failure.code !== "TargetNotReady") return;
    const reason = stopping[cause.reason];
    // One set of security groups may be wrong while the class' own are right.
    const partly = reason === "NetworkInvalid" && overrides.securityGroup !== undefined;
    const [finding, lifeMs] =
      reason === undefined || partly
        ? [warning("LaunchRefused", `a launch was refused: ${failure.message}`), warnsMs]
        : [error(reason, `a launch was refused: ${failure.message}`), stopsMs[reason]];
    this.#of(cls).refused = { finding, life: new Wait(this.#clock.now(), lifeMs) };
  }

  /** observed takes in how a task fares: that it runs, or that it could not start as the class describes it. */
  observed({ classRef }: Place, task: Task, instance: Instance): void {
    const image = runnerContainer(task)?.image ?? "";
    const learnt = this.#at(classRef);
    const starts: Starts = learnt.starts.get(image) ?? { failedAtMs: 0, workedAtMs: 0, lesson: undefined };
    const ended = instance.state === "Stopped";
    if (hasWorked(instance)) {
      starts.workedAtMs = Math.max(starts.workedAtMs, timeOf(ended ? task.stoppedAt : task.startedAt));
      const proven = ended || starts.lesson?.onlyExitProves !== true;
      if (proven && starts.workedAtMs > starts.failedAtMs) starts.lesson = undefined;
    } else if (isLesson(instance)) {
      const atMs = timeOf(task.stoppedAt);
      // The same end is read again and again, and ends are read out of order.
      if (atMs <= starts.failedAtMs || atMs <= starts.workedAtMs) return;
      const of = image === "" ? "" : ` with ${image.slice(0, 80)}`;
      starts.failedAtMs = atMs;
      starts.lesson = {
        finding: warning("StartFailing", `a runner${of} could not start: ${instance.stop?.message ?? ""}`),
        life: new Wait(this.#clock.now(), warnsMs),
        // A runner whose version GitHub refuses starts before it hears of that.
        onlyExitProves: instance.exitCode !== undefined,
      };
    } else {
      return;
    }
    learnt.starts.set(image, starts);
  }

  /** findings are the lessons that still hold for a class. */
  findings(cls: ResolvedClass<ECSRunnerClassSpec>): Finding[] {
    const { refused, starts } = this.#of(cls);
    const nowMs = this.#clock.now();
    const { image, images, taskDefinition } = cls.spec;
    const ours = [image, ...images.map((each) => each.image)];
    // A task of the class as it was may end only now: its image tells, where it is not the same still.
    const relevant = [...starts.entries()].filter(([of]) => taskDefinition !== undefined || of === "" || ours.includes(of));
    return [refused, ...relevant.map(([, { lesson }]) => lesson)].flatMap((lesson) =>
      lesson === undefined || lesson.life.isOver(nowMs) ? [] : [lesson.finding],
    );
  }

  #of({ namespace, name, uid, generation }: ResolvedClass<ECSRunnerClassSpec>): Learnt {
    const known = this.#at({ namespace, name });
    if (known.uid === undefined || (known.uid === uid && known.generation === generation)) {
      known.uid = uid;
      known.generation = generation;
      return known;
    }
    const learnt: Learnt = { uid, generation, refused: undefined, starts: new BoundedMap(maxImages) };
    // A launch that began before the class was changed teaches nothing about what it is now.
    if (known.uid !== uid || (known.generation ?? 0) < generation) this.#classes.set(classKey({ namespace, name }), learnt);
    return learnt;
  }

  #at(ref: { readonly namespace: string; readonly name: string }): Learnt {
    const known = this.#classes.get(classKey(ref));
    if (known !== undefined) return known;
    const learnt: Learnt = { uid: undefined, generation: undefined, refused: undefined, starts: new BoundedMap(maxImages) };
    this.#classes.set(classKey(ref), learnt);
    return learnt;
  }
}

/** A runner that ran to its end proves its image, and so does one that runs. */
function hasWorked({ state, stop }: Instance): boolean {
  return state === "Running" || (state === "Stopped" && (stop?.category === "Exited" || stop?.category === "OutOfMemory"));
}

/** Roles, secrets and log groups are worth another attempt each (StartFailed), but they rarely mend themselves. */
function isLesson({ state, stop }: Instance): boolean {
  return state === "Stopped" && (stop?.category === "Misconfigured" || stop?.reason === "ResourceInitializationError");
}

/** The task's own times are finer than an instance's. */
function timeOf(date: Date | undefined): number {
  const ms = date?.getTime() ?? 0;
  return Number.isNaN(ms) ? 0 : ms;
}

function classKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
