import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../cluster/control-plane.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { type OperatorProcess, startOperator } from "../support/operator.ts";
import { until } from "../support/until.ts";
import { type Exit, lostLease } from "./exits.ts";
import type { Journal } from "./journal.ts";

/** How soon a process that ended by itself is started again; a kubelet's first restart is as quick. */
const restartMs = 500;

/** accessKeyOf is the key of an operator at AWS: each has its own, so that a call tells who made it. */
function accessKeyOf(name: string): string {
  return `AKIASIMULATOR${name.toUpperCase()}`;
}

/** FleetOptions say what the operators are and where they work. */
export interface FleetOptions {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  /** The program. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly journal: Journal;
  /** Told when webhooks have to go elsewhere. */
  readonly onReceivers: (urls: readonly string[]) => void;
}

/** Operator is one of the two: its processes one after the other, behind a proxy of their own. */
export class Operator {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly logs: string[] = [];
  readonly exits: Exit[] = [];
  process: OperatorProcess | undefined;
  /** The last address at which it took webhooks: the load balancer keeps it until there is another. */
  receiver: string | undefined;
  // While true the end of the process is ours, and it stays down until start().
  #down = true;
  #told: Exit["told"];
  #ending: Promise<void> | undefined;
  readonly #options: FleetOptions;
  readonly #onStart: () => void;

  constructor(name: string, proxy: FaultProxy, options: FleetOptions, onStart: () => void) {
    this.name = name;
    this.proxy = proxy;
    this.#options = options;
    this.#onStart = onStart;
  }

  get isDown(): boolean {
    return this.#down;
  }

  async start(): Promise<void> {
    // The end of the script starts what was told to end a moment ago; that end is still the script's.
    await this.#ending;
    this.#down = false;
    const { namespace, entry, args, env, directory, journal } = this.#options;
    const logFile = join(directory, `operator-${this.name}-${this.logs.length + 1}.log`);
    this.logs.push(logFile);
    const startedAt = Date.now();
    const process = await startOperator({
      kubeconfig: this.proxy.kubeconfig,
      namespace,
      identity: `chaos-${this.name}`,
      args: ["--watch-namespace", namespace, ...args],
      env: { ...env, AWS_ACCESS_KEY_ID: accessKeyOf(this.name) },
      entry,
      logFile,
      // It may be started while the API server is away; whoever waits for it is the check that the world comes to rest.
      untilReady: false,
    }).catch((error: unknown) => {
      this.#ended(startedAt, 1, logFile, String(error));
      return undefined;
    });
    if (process === undefined) return;
    this.process = process;
    journal.note("harness", `operator ${this.name} started as process ${process.pid}`);
    void process.exited.then((code) => {
      if (this.process === process) this.process = undefined;
      this.#ended(Date.now(), code, logFile);
    });
    await this.#untilServing(process);
  }

  /** Ends it with SIGKILL or SIGTERM; it stays down until start(). */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#down = true;
    this.#ending = this.#end(signal);
    await this.#ending;
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    this.#told = signal;
    process.resume();
    if (signal === "SIGKILL") await process.kill();
    else
      await process
        .stop(35_000)
        .catch((error: unknown) => this.#options.journal.note("harness", `operator ${this.name}: ${String(error)}`));
  }

  /** Tells the load balancer where webhooks go; a process that ends before it serves has told the journal so. */
  async #untilServing(process: OperatorProcess): Promise<void> {
    const serves = (): void => {
      if (this.process !== process) return;
      // Throws while the process has not said where.
      this.receiver = process.webhookUrl;
      this.#onStart();
    };
    await until(`operator ${this.name} takes webhooks`, 30_000, serves, 50).catch((error: unknown) =>
      this.#options.journal.note("harness", String(error)),
    );
  }

  #ended(at: number, code: number, logFile: string, why = ""): void {
    const { journal } = this.#options;
    const told = this.#down ? this.#told : undefined;
    this.#told = undefined;
    journal.note("harness", `operator ${this.name} ended with ${code}${told ? `, told ${told}` : ` by itself ${why}`}`);
    void readFile(logFile, "utf8")
      .catch(() => "")
      .then((log) => this.exits.push({ at, operator: this.name, code, ...(told && { told }), lostLease: lostLease(log) }));
    if (!this.#down) void sleep(restartMs).then(() => (this.#down ? undefined : this.start()));
  }
}

/** Fleet is two operators on one namespace; webhooks go to them in turn. */
export class Fleet {
  readonly operators: readonly Operator[];

  private constructor(operators: readonly Operator[]) {
    this.operators = operators;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { controlPlane, onReceivers } = options;
    const operators: Operator[] = [];
    const tell = (): void => onReceivers(operators.flatMap(({ receiver }) => receiver ?? []));
    for (const name of ["a", "b"]) {
      const proxy = await FaultProxy.start({
        kubeconfig: controlPlane.kubeconfig,
        ...(controlPlane.servingCertificate !== undefined && { servingCertificate: controlPlane.servingCertificate }),
      });
      operators.push(new Operator(name, proxy, options, tell));
    }
    await Promise.all(operators.map((operator) => operator.start()));
    return new Fleet(operators);
  }

  /** The operator that a script means. */
  pick(pick: number): Operator {
    return this.operators[pick % this.operators.length] as Operator;
  }

  /** The operator that made a call to AWS. */
  withAccessKey(accessKey: string): Operator | undefined {
    return this.operators.find(({ name }) => accessKeyOf(name) === accessKey);
  }

  get exits(): readonly Exit[] {
    return this.operators.flatMap(({ exits }) => exits).toSorted((a, b) => a.at - b.at);
  }

  /** Everything that they wrote, by operator. */
  async logs(): Promise<readonly { readonly operator: string; readonly lines: readonly string[] }[]> {
    return await Promise.all(
      this.operators.map(async ({ name, logs }) => {
        const texts = await Promise.all(logs.map((file) => readFile(file, "utf8").catch(() => "")));
        return {
          operator: name,
          lines: texts
            .join("")
            .split("\n")
            .filter((line) => line !== ""),
        };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.operators.map((operator) => operator.end("SIGKILL")));
    await Promise.all(this.operators.map(({ proxy }) => proxy.close()));
  }
}
