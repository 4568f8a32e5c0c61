import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type GuardedProcess, removalCommand, startGuarded, startJanitor } from "../cluster/guard.ts";

const mainModule = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** OperatorOptions say which API server the operator works on, and as whom. */
export interface OperatorOptions {
  readonly kubeconfig: string;
  /** Namespace of its Lease. */
  readonly namespace: string;
  /** Holder of the Lease: the same name lets a restarted operator take its own Lease back at once. */
  readonly identity?: string;
  /** Further options of `getabako run`. */
  readonly args?: readonly string[];
  /** All that the process gets of an environment besides PATH: no credentials of the person who runs this. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** The program; the sources' main module if absent. */
  readonly entry?: string;
  /** A file for its output that stays; without it the output is kept in memory once the process has ended. */
  readonly logFile?: string;
  /** How long it may take until /readyz says yes; 30 s if absent. */
  readonly readyTimeoutMs?: number;
  /** False returns as soon as the ports are known: for a replica that does not become ready in the test. */
  readonly untilReady?: boolean;
}

/** OperatorProcess is a running `getabako run`; it dies with this process. */
export interface OperatorProcess {
  readonly pid: number;
  /** Where webhooks go, path included; throws for a process without the intake role. */
  readonly webhookUrl: string;
  readonly metricsUrl: string;
  /** What it wrote so far, stdout and stderr, line by line. */
  readonly log: readonly string[];
  /** Settles with the exit code (128 + signal number if a signal ended it). */
  readonly exited: Promise<number>;
  /** Asks it to end (SIGTERM) and waits; one that does not end in time is killed, and the promise rejects. */
  stop(timeoutMs?: number): Promise<number>;
  /** Ends it with SIGKILL: nothing of it can run after that. */
  kill(): Promise<void>;
  /** Freezes it (SIGSTOP) until resume, as a starved or swapped-out machine does: its connections stay open, and nothing answers. */
  pause(): void;
  resume(): void;
  /** Has Node listen for an inspector, and say where in its log. */
  inspect(): void;
}

/** startOperator runs the program as a process of its own on free ports and resolves once it is ready. */
export async function startOperator(options: OperatorOptions): Promise<OperatorProcess> {
  const scratch = options.logFile === undefined ? await mkdtemp(join(tmpdir(), "getabako-operator-")) : undefined;
  const janitor = scratch === undefined ? undefined : startJanitor(removalCommand(scratch));
  const logFile = options.logFile ?? join(scratch ?? tmpdir(), "log");
  const guarded = await startGuarded(
    [process.execPath, ...(options.nodeArgs ?? []), options.entry ?? mainModule, ...commandLine(options)],
    {
      log: logFile,
      env: { PATH: process.env["PATH"], AWS_EC2_METADATA_DISABLED: "true", ...options.env },
    },
  );
  const operator = new Operator(guarded, logFile, async () => janitor?.run());
  try {
    await operator.start(options);
    return operator;
  } catch (error) {
    await operator.kill();
    throw error;
  }
}

function commandLine({ kubeconfig, namespace, identity, args = [] }: OperatorOptions): string[] {
  const named = identity === undefined ? [] : ["--identity", identity];
  const ports = ["--host", "127.0.0.1", "--webhook-port", "0", "--telemetry-port", "0"];
  return ["run", "--kubeconfig", kubeconfig, "--namespace", namespace, ...named, ...ports, ...args];
}

class Operator implements OperatorProcess {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly #process: GuardedProcess;
  readonly #logFile: string;
  #ports: Ports = {};
  // Set once the process has ended, since the file may be gone then.
  #lastLog: readonly string[] | undefined;

  constructor(guarded: GuardedProcess, logFile: string, cleanUp: () => Promise<void>) {
    this.pid = guarded.pid;
    this.#process = guarded;
    this.#logFile = logFile;
    this.exited = guarded.exited.then(async (code) => {
      this.#lastLog = this.#read();
      await cleanUp();
      return code;
    });
  }

  get log(): readonly string[] {
    return this.#lastLog ?? this.#read();
  }

  get webhookUrl(): string {
    // It may have begun to serve after start() had returned.
    if (this.#ports.webhook === undefined) this.#ports = { ...this.#ports, ...portsIn(this.log) };
    if (this.#ports.webhook === undefined) throw new Error("this operator serves no webhooks: it runs without the role intake");
    return `http://127.0.0.1:${this.#ports.webhook}/webhook`;
  }

  get metricsUrl(): string {
    return `http://127.0.0.1:${this.#ports.telemetry}/metrics`;
  }

  async start({ readyTimeoutMs = 30_000, untilReady = true }: OperatorOptions): Promise<void> {
    const until = Date.now() + readyTimeoutMs;
    while (!(await this.#started(untilReady))) {
      if (this.#process.hasExited)
        throw new Error(`the operator ended while starting (exit ${await this.exited}):\n${this.#lastWords()}`);
      if (Date.now() > until)
        throw new Error(`the operator is not ready after ${readyTimeoutMs / 1_000} s:\n${this.#lastWords()}`);
      await sleep(50);
    }
  }

  async stop(timeoutMs = 30_000): Promise<number> {
    this.#process.signal("SIGTERM");
    const tooLate = new AbortController();
    const late = sleep(timeoutMs, "late" as const, { signal: tooLate.signal }).catch(() => "late" as const);
    const code = await Promise.race([this.exited, late]);
    tooLate.abort();
    if (code !== "late") return code;
    await this.kill();
    throw new Error(`the operator did not end within ${timeoutMs / 1_000} s of SIGTERM:\n${this.#lastWords()}`);
  }

  async kill(): Promise<void> {
    await this.#process.kill();
    await this.exited;
  }

  pause(): void {
    this.#process.signal("SIGSTOP");
  }

  resume(): void {
    this.#process.signal("SIGCONT");
  }

  inspect(): void {
    this.#process.signal("SIGUSR1");
  }

  async #started(untilReady: boolean): Promise<boolean> {
    this.#ports = { ...this.#ports, ...portsIn(this.log) };
    // Telemetry listens first, and a ready process serves all it was asked for.
    if (this.#ports.telemetry === undefined) return false;
    if (!untilReady) return true;
    try {
      const { status } = await fetch(new URL("/readyz", this.metricsUrl), { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) return false;
    } catch {
      return false;
    }
    this.#ports = { ...this.#ports, ...portsIn(this.log) };
    return true;
  }

  #read(): readonly string[] {
    if (!existsSync(this.#logFile)) return [];
    const lines = readFileSync(this.#logFile, "utf8").split("\n");
    // What follows the last line break is nothing yet, or half a line.
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }

  #lastWords(): string {
    return this.log.slice(-15).join("\n");
  }
}

interface Ports {
  readonly webhook?: number;
  readonly telemetry?: number;
}

/** The process says where it listens; the ports were its choice. */
function portsIn(lines: readonly string[]): Ports {
  const portOf = (message: string): number | undefined => {
    const line = lines.find((candidate) => candidate.includes(`"msg":"${message}"`));
    // Not as JSON: what is read while it is written may end in the middle of a line.
    const port = /"port":(\d+)/.exec(line ?? "")?.[1];
    return port === undefined ? undefined : Number(port);
  };
  const [webhook, telemetry] = [portOf("serving webhooks"), portOf("serving metrics and probes")];
  return { ...(webhook !== undefined && { webhook }), ...(telemetry !== undefined && { telemetry }) };
}
