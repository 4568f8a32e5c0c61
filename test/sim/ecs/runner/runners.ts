import type { TaskRecord } from "../state/task.ts";
import {
  containerCommand,
  containerEnvironment,
  environmentFiles,
  mainContainer,
  type ReadEnvironmentFile,
  stopTimeoutMs,
} from "./environment.ts";
import type { RunnerExit, RunnerHook } from "./types.ts";

export interface RunnersOptions {
  readonly hook: RunnerHook | undefined;
  readonly readEnvironmentFile: ReadEnvironmentFile | undefined;
  /** Instead of the task definition's stopTimeout. */
  readonly stopTimeoutMs: number | undefined;
}

interface Running {
  readonly terminate: AbortController;
  readonly kill: AbortController;
  killTimer?: NodeJS.Timeout;
}

/** Runners runs the hook once for each task that reaches RUNNING, and carries SIGTERM and SIGKILL to it. */
export class Runners {
  readonly #options: RunnersOptions;
  readonly #running = new Map<TaskRecord, Running>();
  // Environment files by task, from the moment it is ACTIVATING.
  readonly #files = new WeakMap<TaskRecord, Promise<readonly string[]>>();
  // Hooks that have not returned yet, also those of tasks that are over: close() waits for them.
  readonly #pending = new Set<Promise<void>>();

  constructor(options: RunnersOptions) {
    this.#options = options;
  }

  /** Fetches the environment files of a task that is about to run; undefined if there are none to fetch. A rejection means that it cannot start. */
  prepare(task: TaskRecord): Promise<unknown> | undefined {
    const read = this.#options.readEnvironmentFile;
    const name = mainContainer(task);
    const files = environmentFiles(task, name);
    if (read === undefined || files.length === 0) {
      return undefined;
    }
    const texts = Promise.all(files.map((file) => read(file.value ?? "")));
    this.#files.set(task, texts);
    return texts.then((contents) => containerEnvironment(task, name, contents));
  }

  has(task: TaskRecord): boolean {
    return this.#running.has(task);
  }

  start(task: TaskRecord, onExit: (exit: RunnerExit) => void): void {
    if (this.#options.hook === undefined) {
      return;
    }
    const running: Running = { terminate: new AbortController(), kill: new AbortController() };
    this.#running.set(task, running);
    const done = this.#run(this.#options.hook, task, running).then((exit) => {
      this.#pending.delete(done);
      if (exit === undefined) {
        this.#running.delete(task);
      } else {
        onExit(exit);
      }
    });
    this.#pending.add(done);
  }

  terminate(task: TaskRecord, onTimeout: () => void): void {
    const running = this.#running.get(task);
    if (running !== undefined) {
      running.killTimer = setTimeout(onTimeout, this.#options.stopTimeoutMs ?? stopTimeoutMs(task));
      running.terminate.abort();
    }
  }

  kill(task: TaskRecord): void {
    const running = this.#running.get(task);
    running?.terminate.abort();
    running?.kill.abort();
  }

  forget(task: TaskRecord): void {
    clearTimeout(this.#running.get(task)?.killTimer);
    this.#running.delete(task);
  }

  /** Kills every runner and waits, for at most two seconds, until their hooks have returned. */
  async close(): Promise<void> {
    for (const task of this.#running.keys()) {
      this.kill(task);
      this.forget(task);
    }
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, 2000);
    await Promise.race([Promise.allSettled([...this.#pending]), late]);
    clearTimeout(timer);
  }

  /** Resolves to how the container ended, or to undefined if the hook only watches. */
  async #run(hook: RunnerHook, task: TaskRecord, running: Running): Promise<RunnerExit | undefined> {
    const name = mainContainer(task);
    try {
      const result = hook({
        arn: task.arn,
        id: task.id,
        cluster: task.cluster.name,
        startedBy: task.startedBy,
        group: task.group,
        capacity: task.capacity,
        tags: Object.fromEntries(task.launchTags.map((tag) => [tag.key ?? "", tag.value ?? ""])),
        container: name,
        image: task.containers.find((container) => container.name === name)?.image ?? "",
        command: containerCommand(task, name),
        environment: containerEnvironment(task, name, (await this.#files.get(task)) ?? []),
        terminated: running.terminate.signal,
        killed: running.kill.signal,
      });
      if (result === undefined) {
        return undefined;
      }
      const exit = await result;
      return typeof exit === "number" ? { exitCode: exit } : (exit ?? { exitCode: 0 });
    } catch (error) {
      return { exitCode: 1, reason: `runner failed: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
}
