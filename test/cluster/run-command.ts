import { spawn } from "node:child_process";

/** CommandResult is what a finished command left. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** RunOptions: what a command gets besides its arguments. */
export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** tryCommand runs a command to its end and returns what it printed; it rejects only if it cannot be started or takes too long. */
export function tryCommand(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { timeoutMs = 120_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`${command} cannot be run: ${error.message}`));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (timedOut) reject(new Error(`${command} ${args.join(" ")}: no answer within ${timeoutMs} ms`));
      else
        resolve({
          code: code ?? 137,
          stdout: Buffer.concat(stdout).toString("utf8"),
          stderr: Buffer.concat(stderr).toString("utf8"),
        });
    });
    // A command that ends without reading its input is no error of ours; its exit code tells.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input);
  });
}

/** runCommand returns what a command printed and rejects, with its last words, if it fails. */
export async function runCommand(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryCommand(command, args, options);
  if (result.code !== 0) {
    const words = (result.stderr.trim() || result.stdout.trim()).slice(-2_000);
    throw new Error(`${command} ${args.join(" ")} failed (exit ${result.code}): ${words}`);
  }
  return result.stdout;
}
