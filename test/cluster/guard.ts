import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const guardScript = fileURLToPath(new URL("guard.sh", import.meta.url));

/** GuardedProcess is a running command that dies with this process, however this process ends. */
export interface GuardedProcess {
  readonly pid: number;
  /** Settles once the command has ended, with its exit code (128 + signal number if a signal ended it). */
  readonly exited: Promise<number>;
  readonly hasExited: boolean;
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGUSR1"): void;
  /** Kills the command and waits until it is gone. */
  kill(): Promise<void>;
}

/**
 * startGuarded starts a command below guard.sh in a session of its own, so that neither a SIGKILL of this process nor
 * a Ctrl-C in its terminal leaves it behind; its output goes to the log file.
 */
export async function startGuarded(
  command: readonly string[],
  options: { log: string; env?: NodeJS.ProcessEnv; cwd?: string },
): Promise<GuardedProcess> {
  const guard = spawn("/bin/sh", [guardScript, options.log, ...command], {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let hasExited = false;
  const exited = new Promise<number>((resolve) => {
    guard.once("exit", (code) => {
      hasExited = true;
      resolve(code ?? 137);
    });
  });
  const pid = await firstLine(guard);
  letParentExit(guard);
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (!hasExited) process.kill(pid, name);
    } catch (error) {
      // It ended between the guard's wait and our notice of it.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  };
  return {
    pid,
    exited,
    get hasExited() {
      return hasExited;
    },
    signal,
    async kill() {
      if (hasExited) return;
      guard.ref();
      signal("SIGKILL");
      await exited;
    },
  };
}

/** Janitor is a clean-up command that waits for this process to end or for an explicit run. */
export interface Janitor {
  /** Runs the command now and waits for it. */
  run(): Promise<void>;
}

/**
 * startJanitor arms a clean-up command: it runs when this process is gone, however it ended, or when `run` is called.
 * The same command serves both cases, so an orderly stop proves the path that a kill takes.
 */
export function startJanitor(command: readonly string[]): Janitor {
  const waiting = spawn("/bin/sh", ["-c", 'read -r _; exec "$@"', "janitor", ...command], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = once(waiting, "exit");
  letParentExit(waiting);
  return {
    async run() {
      waiting.ref();
      waiting.stdin?.end();
      await ended;
    },
  };
}

/** removalCommand deletes a directory, trying again while processes that are being killed still write into it. */
export function removalCommand(directory: string): string[] {
  const script = 'i=0; while rm -rf "$1"; [ -e "$1" ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; done';
  return ["/bin/sh", "-c", script, "remove", directory];
}

async function firstLine(child: ChildProcess): Promise<number> {
  let text = "";
  const stdout = child.stdout;
  if (stdout === null) throw new Error("guard.sh was started without a pipe");
  for await (const chunk of stdout) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  const pid = Number.parseInt(text, 10);
  if (!Number.isInteger(pid)) throw new Error("guard.sh did not start the command");
  return pid;
}

/** Without this the pipes would keep the event loop alive, and a program that forgets to stop a server would never end. */
function letParentExit(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout]) {
    if (stream !== null && "unref" in stream && typeof stream.unref === "function") stream.unref();
  }
}
