import type { RunnerExit } from "../runner/types.ts";
import type { Runners } from "../runner/runners.ts";
import type { SimClock } from "./account.ts";
import { isRunning, nextStatus } from "./path.ts";
import { isLive, taskStatuses, type ContainerRecord, type StopCode, type TaskRecord, type TaskStatus } from "./task.ts";

/**
 * Timings say how long a task stays in each state, in milliseconds; 0 means until a test moves it on. RUNNING counts only for a
 * task that is being stopped: otherwise its containers decide.
 */
export type Timings = Readonly<Record<TaskStatus, number>>;

export interface LifeOptions {
  readonly clock: SimClock;
  readonly timings: Timings;
  readonly runners: Runners;
  /** True while the capacity that the task waits for is held back. */
  readonly held: (task: TaskRecord) => boolean;
  /** Told of every change that raises the version. */
  readonly onChange: (task: TaskRecord) => void;
}

/** Life moves tasks through their states: by timers, on the command of a test, and when containers end. */
export class Life {
  readonly #options: LifeOptions;
  // At most one timer per task: the one to its next state.
  readonly #timers = new Map<TaskRecord, NodeJS.Timeout>();
  // Tasks whose environment files are being fetched: they stay ACTIVATING.
  readonly #preparing = new Set<TaskRecord>();
  // Tasks of an account that was reset: whatever still happens to them is not seen.
  readonly #abandoned = new WeakSet<TaskRecord>();
  #closed = false;

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  start(task: TaskRecord): void {
    this.#options.onChange(task);
    this.#schedule(task);
  }

  /** Lets a task that waited for capacity go on. */
  resume(task: TaskRecord): void {
    this.#schedule(task);
  }

  /** Moves a task to a later state through all between; one that runs ends with exit code 0 on the way, unless it was stopped before. */
  moveTo(task: TaskRecord, status: TaskStatus): void {
    const target = taskStatuses.indexOf(status);
    if (target < taskStatuses.indexOf(task.lastStatus)) {
      throw new Error(`task ${task.id} is ${task.lastStatus} and cannot go back to ${status}`);
    }
    if (this.#isOver(task)) {
      throw new Error("the ECS simulator was closed or reset");
    }
    while (taskStatuses.indexOf(task.lastStatus) < target) {
      if (task.lastStatus === "RUNNING" && task.desiredStatus === "RUNNING") {
        this.exit(task, { exitCode: 0 });
      } else if (task.lastStatus === "STOPPING" && task.containers.some(isRunning)) {
        this.#kill(task);
      } else {
        this.#advance(task);
      }
    }
  }

  /** Asks a task to stop: it reads desiredStatus STOPPED at once, its containers get SIGTERM, and SIGKILL after their stopTimeout. */
  requestStop(task: TaskRecord, stopCode: StopCode, reason: string): void {
    if (task.desiredStatus === "STOPPED") {
      return;
    }
    task.desiredStatus = "STOPPED";
    task.stopCode = stopCode;
    task.stoppedReason = reason;
    task.times.stoppingAt = this.#options.clock.now();
    this.#changed(task);
    this.#options.runners.terminate(task, () => this.#kill(task));
    this.#schedule(task);
  }

  /** Ends a task that never ran. */
  failToStart(task: TaskRecord, reason: string): void {
    if (task.times.startedAt !== undefined) {
      throw new Error(`task ${task.id} has started already and cannot fail to start`);
    }
    for (const container of task.containers) {
      container.reason = reason;
    }
    this.requestStop(task, "TaskFailedToStart", reason);
  }

  /** Ends a container (the first essential one, if no name is given); an essential one takes the task with it. */
  exit(task: TaskRecord, exit: RunnerExit, name?: string): void {
    const container = task.containers.find((candidate) => (name === undefined ? candidate.essential : candidate.name === name));
    if (this.#isOver(task) || container === undefined || !isRunning(container)) {
      return;
    }
    this.#end(container, exit);
    if (!container.essential) {
      this.#changed(task);
      return;
    }
    // The agent stops the others with SIGTERM once an essential container has ended.
    for (const other of task.containers.filter(isRunning)) {
      this.#end(other, { exitCode: 143 });
    }
    task.times.executionStoppedAt = this.#options.clock.now();
    if (task.desiredStatus === "RUNNING") {
      task.desiredStatus = "STOPPED";
      task.stopCode = "EssentialContainerExited";
      task.stoppedReason = "Essential container in task exited";
      task.times.stoppingAt = this.#options.clock.now();
    }
    this.#options.runners.forget(task);
    this.#changed(task);
    this.#schedule(task);
  }

  /** Takes no further notice of these tasks. */
  abandon(tasks: readonly TaskRecord[]): void {
    for (const task of tasks) {
      this.#abandoned.add(task);
      clearTimeout(this.#timers.get(task));
      this.#timers.delete(task);
    }
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) {
      clearTimeout(timer);
    }
    this.#timers.clear();
  }

  #isOver(task: TaskRecord): boolean {
    return this.#closed || this.#abandoned.has(task);
  }

  #schedule(task: TaskRecord): void {
    clearTimeout(this.#timers.get(task));
    this.#timers.delete(task);
    const delay = this.#options.timings[task.lastStatus];
    const waits =
      task.desiredStatus === "RUNNING" &&
      ((task.lastStatus === "PROVISIONING" && this.#options.held(task)) ||
        (task.lastStatus === "ACTIVATING" && this.#preparing.has(task)));
    if (this.#isOver(task) || delay === 0 || waits || nextStatus(task) === undefined) {
      return;
    }
    this.#timers.set(
      task,
      setTimeout(() => this.#advance(task), delay),
    );
  }

  #advance(task: TaskRecord): void {
    const status = nextStatus(task);
    if (status === undefined) {
      return;
    }
    const now = this.#options.clock.now();
    task.lastStatus = status;
    switch (status) {
      case "PENDING":
        task.times.connectivityAt = now;
        task.times.pullStartedAt = now;
        break;
      case "ACTIVATING":
        task.times.pullStoppedAt = now;
        this.#prepare(task);
        break;
      case "RUNNING":
        task.times.startedAt = now;
        for (const container of task.containers) {
          container.status = "RUNNING";
        }
        break;
      case "DEPROVISIONING":
        for (const container of task.containers) {
          container.status = "STOPPED";
        }
        break;
      case "STOPPED":
        task.times.stoppedAt = now;
        break;
      case "PROVISIONING":
      case "DEACTIVATING":
      case "STOPPING":
        break;
      default:
        status satisfies never;
    }
    this.#changed(task);
    this.#schedule(task);
    if (status === "RUNNING") {
      this.#options.runners.start(task, (exit) => this.exit(task, exit));
    } else if (status === "STOPPING" && !this.#options.runners.has(task)) {
      // Nothing stands behind the containers, so SIGTERM ends them as it ends a process without a handler.
      this.exit(task, { exitCode: 143 });
    }
  }

  /** Reads what the task needs, as late as ECS may: what was removed before the task ran is missed. */
  #prepare(task: TaskRecord): void {
    const prepared = this.#options.runners.prepare(task);
    if (prepared !== undefined) {
      this.#preparing.add(task);
      void prepared.then(
        () => this.#prepared(task),
        (error: unknown) => this.#prepared(task, error),
      );
    }
  }

  #prepared(task: TaskRecord, error?: unknown): void {
    this.#preparing.delete(task);
    if (this.#isOver(task)) {
      return;
    }
    if (error !== undefined && task.times.startedAt === undefined) {
      const why = error instanceof Error ? error.message : "unknown error";
      this.failToStart(task, `ResourceInitializationError: failed to download env files: ${why}`);
    } else if (task.lastStatus === "ACTIVATING") {
      this.#schedule(task);
    }
  }

  #kill(task: TaskRecord): void {
    if (isLive(task)) {
      this.#options.runners.kill(task);
      this.exit(task, { exitCode: 137 });
    }
  }

  #end(container: ContainerRecord, exit: RunnerExit): void {
    container.status = "STOPPED";
    container.exitCode = exit.exitCode;
    if (exit.reason !== undefined) {
      container.reason = exit.reason;
    }
  }

  #changed(task: TaskRecord): void {
    task.version += 1;
    this.#options.onChange(task);
  }
}
