import { spawn } from "node:child_process";
import type { RunnerExit, RunnerHook, RunningTask } from "./types.ts";

/** SpawnOptions describe the program that is started once per task. */
export interface SpawnOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Added to the task's environment and PATH, which is all that the program gets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Told of every line that the program writes. */
  readonly onLine?: (task: RunningTask, line: string) => void;
}

/** spawnRunner makes a runner that starts a child process per task, with the signals that an ECS agent would send. */
export function spawnRunner(options: SpawnOptions): RunnerHook {
  return (task) => run(options, task);
}

function run(options: SpawnOptions, task: RunningTask): Promise<RunnerExit> {
  const [program, ...args] = options.command;
  const { promise, resolve } = Promise.withResolvers<RunnerExit>();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"] ?? "", ...options.env, ...task.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const terminate = (): void => void child.kill("SIGTERM");
  const kill = (): void => void child.kill("SIGKILL");
  task.terminated.addEventListener("abort", terminate, { once: true });
  task.killed.addEventListener("abort", kill, { once: true });
  if (task.terminated.aborted) {
    terminate();
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    let rest = "";
    stream.on("data", (chunk: string) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        options.onLine?.(task, line);
      }
    });
  }
  child.once("error", (error) => resolve({ exitCode: 127, reason: `CannotStartContainerError: ${error.message}` }));
  child.once("close", (code, signal) => resolve({ exitCode: code ?? (signal === "SIGKILL" ? 137 : 143) }));
  return promise;
}
