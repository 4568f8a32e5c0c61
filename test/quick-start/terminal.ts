import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type Janitor, startJanitor } from "../cluster/guard.ts";
import { missingFrom } from "./compare.ts";

/** Running are commands in a terminal that have not ended yet. */
export interface Running {
  /** What they have printed so far. */
  readonly printed: string;
  /** Types Ctrl-C, waits for the end, and gives the exit code. */
  interrupt(timeoutMs: number): Promise<number>;
}

/** Terminal runs blocks of commands as one shell would: what a block exports or sets is there in the next one. */
export class Terminal {
  readonly #directory: string;
  readonly #env: NodeJS.ProcessEnv;
  /** The file that holds the variables between two blocks. */
  readonly #memory: string;

  constructor(options: { readonly directory: string; readonly env: NodeJS.ProcessEnv; readonly memory: string }) {
    this.#directory = options.directory;
    this.#env = options.env;
    this.#memory = options.memory;
  }

  /** Runs commands to their end; gives what they printed, or throws that with what went wrong. */
  async run(commands: string, expected: readonly string[], timeoutMs: number): Promise<void> {
    const started = this.#start(commands);
    const code = await within(timeoutMs, started, started.ended);
    if (code !== 0) throw new Error(`exit code ${code}, after it printed\n${started.printed}`);
    const missing = missingFrom(started.printed, expected);
    if (missing !== undefined) throw new Error(`it did not print the line\n${missing}\nbut\n${started.printed}`);
  }

  /** Runs commands until they have printed what is expected. */
  async start(commands: string, expected: readonly string[], timeoutMs: number): Promise<Running> {
    const started = this.#start(commands);
    const seen = Promise.withResolvers<undefined>();
    const look = (): void => {
      if (missingFrom(started.printed, expected) === undefined) seen.resolve(undefined);
    };
    started.onPrinted(look);
    const ended = await within(timeoutMs, started, Promise.race([seen.promise, started.ended]), () =>
      missingFrom(started.printed, expected),
    );
    if (ended !== undefined) throw new Error(`ended with exit code ${ended}, after it printed\n${started.printed}`);
    return started;
  }

  #start(commands: string): Started {
    const recall = existsSync(this.#memory) ? `. '${this.#memory}'\n` : "";
    // -a: what is set is exported, so that the next block has it.
    const script = `${recall}set -ea\n${commands}\nexport -p >'${this.#memory}'\n`;
    return new Started(script, this.#directory, this.#env);
  }
}

/** A group of processes of its own, as a terminal makes one for each command: Ctrl-C reaches all of it. */
class Started implements Running {
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #janitor: Janitor;
  #printed = "";
  #tell: (() => void) | undefined;

  constructor(script: string, cwd: string, env: NodeJS.ProcessEnv) {
    // Both outputs into one pipe: their order is what a reader sees.
    this.#child = spawn("/bin/sh", ["-c", 'exec 2>&1; exec /bin/sh -c "$1"', "terminal", script], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const group = String(this.#child.pid ?? 0);
    this.#janitor = startJanitor(["/bin/sh", "-c", 'kill -KILL -- "-$1" 2>/dev/null', "kill", group]);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
      this.#tell?.();
    });
    this.ended = once(this.#child, "close").then(async ([code]: (number | null)[]) => {
      await this.#janitor.run();
      return code ?? 130;
    });
    // Waited for where it matters; until then it must not count as unhandled.
    this.ended.catch(() => undefined);
  }

  get printed(): string {
    return this.#printed;
  }

  onPrinted(tell: () => void): void {
    this.#tell = tell;
    tell();
  }

  async interrupt(timeoutMs: number): Promise<number> {
    process.kill(-(this.#child.pid ?? 0), "SIGINT");
    return await within(timeoutMs, this, this.ended);
  }

  kill(): Promise<void> {
    return this.#janitor.run();
  }
}

/** within waits so long and no longer; what takes longer is killed. */
async function within<T>(
  timeoutMs: number,
  started: Started,
  promise: Promise<T>,
  missing: () => string | undefined = () => undefined,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const line = missing();
    const what = line === undefined ? "it has not ended" : `it has not printed the line\n${line}\n`;
    late.reject(new Error(`after ${timeoutMs / 1_000} s ${what}, and it printed\n${started.printed}`));
  }, timeoutMs);
  try {
    return await Promise.race([promise, late.promise]);
  } catch (error) {
    await started.kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
