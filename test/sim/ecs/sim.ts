import { systemClock } from "../../../src/util/clock.ts";
import { Calls } from "./calls.ts";
import { Capacity } from "./capacity.ts";
import type { Context } from "./context.ts";
import { Dispatcher, type Violation } from "./dispatch.ts";
import { Events } from "./events.ts";
import { Faults } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { type EcsSimOptions, resolveTimings } from "./options.ts";
import { makeReport, type Report } from "./report.ts";
import { Runners } from "./runner/runners.ts";
import { spawnRunner } from "./runner/spawn.ts";
import type { RunnerExit, RunnerHook } from "./runner/types.ts";
import { Account, SimClock } from "./state/account.ts";
import { Clusters } from "./state/clusters.ts";
import { Definitions } from "./state/definitions.ts";
import { Life } from "./state/life.ts";
import { Network } from "./state/network.ts";
import { isLive, type TaskRecord, type TaskStatus } from "./state/task.ts";
import { Tasks } from "./state/tasks.ts";
import { Tokens } from "./state/tokens.ts";
import { Throttle } from "./throttle.ts";

/** EcsSim is the simulated account with all that a test may do to it. Task arguments are ids or ARNs. */
export class EcsSim {
  /** Requests (and answers) that real ECS would not have; a test of the product ends by expecting none. */
  readonly violations: readonly Violation[];
  readonly calls: Calls;
  readonly faults = new Faults();
  readonly capacity: Capacity;
  readonly events: Events;
  readonly ledger = new Ledger();
  readonly throttle: Throttle;
  readonly region: string;
  readonly accountId: string;
  readonly #dispatcher: Dispatcher;
  readonly #violations: Violation[] = [];
  readonly #clock: SimClock;
  readonly #tasks: Tasks;
  readonly #definitions: Definitions;
  readonly #clusters: Clusters;
  readonly #tokens = new Tokens();
  readonly #life: Life;
  readonly #runners: Runners;
  readonly #listeners = new Set<(task: TaskRecord) => void>();
  #hiddenReads = 0;
  #url = "";
  #closeServer: () => Promise<void> = () => Promise.resolve();

  constructor(options: EcsSimOptions) {
    const account = new Account(options.region ?? "us-east-1", options.accountId ?? "123456789012");
    this.region = account.region;
    this.accountId = account.id;
    this.violations = this.#violations;
    this.#clock = new SimClock(options.clock ?? systemClock);
    this.calls = new Calls(options.keepSecrets ?? false);
    this.throttle = new Throttle(this.#clock, options.throttle ?? false);
    this.events = new Events(account, this.#clock, options.events);
    this.#definitions = new Definitions(account);
    this.#clusters = new Clusters(
      account,
      options.clusters ?? [{ name: "default" }, { name: "runners" }],
      options.capacityProviders ?? [],
    );
    this.#tasks = new Tasks(account, this.#clock);
    this.capacity = new Capacity((capacity) => this.#resume(capacity));
    for (const { name, waits } of options.capacityProviders ?? []) if (waits === true) this.capacity.hold(name);
    this.#runners = new Runners({
      hook: hookOf(options.runner),
      readEnvironmentFile: options.readEnvironmentFile,
      stopTimeoutMs: options.stopTimeoutMs,
    });
    this.#life = new Life({
      clock: this.#clock,
      timings: resolveTimings(options.timings),
      runners: this.#runners,
      held: (task) => this.capacity.isHeld(task.capacity),
      onChange: (task) => this.#changed(task),
    });
    const context: Context = {
      account,
      clock: this.#clock,
      clusters: this.#clusters,
      network: new Network(account.region, options.subnets, options.securityGroups),
      definitions: this.#definitions,
      tasks: this.#tasks,
      tokens: this.#tokens,
      life: this.#life,
      capacity: this.capacity,
      throttle: this.throttle,
      hiddenReads: () => this.#hiddenReads,
      tokensSurviveFailures: options.tokensSurviveFailures ?? false,
    };
    this.#dispatcher = new Dispatcher({ context, faults: this.faults, calls: this.calls, violations: this.#violations });
  }

  /** Where the service is reached. */
  get url(): string {
    return this.#url;
  }

  /** Settings for an SDK client of this account. */
  get clientConfig(): {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  } {
    return {
      endpoint: this.#url,
      region: this.region,
      credentials: { accessKeyId: "AKIASIMULATOR", secretAccessKey: "simulator" },
    };
  }

  /** Every task that ECS still knows, oldest first. */
  tasks(): readonly TaskRecord[] {
    return this.#tasks.all();
  }

  task(idOrArn: string): TaskRecord {
    return this.#tasks.get(idOrArn);
  }

  liveTasks(): readonly TaskRecord[] {
    return this.tasks().filter(isLive);
  }

  /** Moves a task to a later state, through all between. */
  moveTo(idOrArn: string, status: TaskStatus): void {
    this.#life.moveTo(this.task(idOrArn), status);
  }

  /** Ends a container: the main one, if no name is given. */
  exit(idOrArn: string, exit: RunnerExit, container?: string): void {
    this.#life.exit(this.task(idOrArn), exit, container);
  }

  /** Ends the main container as the kernel does when memory runs out. */
  outOfMemory(idOrArn: string): void {
    this.exit(idOrArn, { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" });
  }

  /** Takes a task's Spot capacity away: the notice comes at once, SIGKILL after stopTimeout. */
  interruptSpot(idOrArn: string, stopCode: "SpotInterruption" | "TerminationNotice" = "SpotInterruption"): void {
    this.#life.requestStop(this.task(idOrArn), stopCode, "Your Spot Task was interrupted.");
  }

  /** Lets the host below a task fail. */
  failHost(idOrArn: string): void {
    this.#life.requestStop(this.task(idOrArn), "InfrastructureHealth", "The host of the task failed its health checks.");
  }

  /** Ends a task that has not started, with a reason such as `CannotPullContainerError: ...`. */
  failToStart(idOrArn: string, reason: string): void {
    this.#life.failToStart(this.task(idOrArn), reason);
  }

  /** Stops a task as a person at the console does. */
  stop(idOrArn: string, reason = "Task stopped by user"): void {
    const task = this.task(idOrArn);
    task.tags = [];
    this.#life.requestStop(task, "UserInitiated", reason);
  }

  /** Makes ECS forget a task at once. */
  expire(idOrArn: string): void {
    this.task(idOrArn).expired = true;
  }

  /** Lets so many reads of each new task miss it (eventual consistency). */
  hideNewTasks(reads: number): void {
    this.#hiddenReads = reads;
  }

  /** Calls the listener after every change that raises a task's version; the answer unsubscribes. */
  onChange(listener: (task: TaskRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Moves the simulator's time on, for tokens, token buckets and forgotten tasks. */
  advanceClock(ms: number): void {
    this.#clock.advance(ms);
  }

  report(): Report {
    return makeReport(this);
  }

  /** Back to an empty account with no faults; tasks end without a trace. */
  async reset(): Promise<void> {
    this.faults.clear();
    this.capacity.release();
    this.#life.abandon(this.ledger.launched());
    await this.#runners.close();
    for (const store of [this.#tasks, this.#definitions, this.#tokens, this.calls, this.ledger, this.throttle]) {
      store.clear();
    }
    this.#violations.length = 0;
    this.#hiddenReads = 0;
  }

  /** Ends hanging calls, timers and runners, then the server. */
  async close(): Promise<void> {
    this.faults.clear();
    this.#life.close();
    await this.#runners.close();
    this.events.flush();
    await this.#closeServer();
  }

  /** For the server. */
  get dispatcher(): Dispatcher {
    return this.#dispatcher;
  }

  /** For the server, once it listens. */
  listening(url: string, closeServer: () => Promise<void>): void {
    this.#url = url;
    this.#closeServer = closeServer;
  }

  #resume(capacity: string): void {
    for (const task of this.#tasks
      .all()
      .filter((candidate) => candidate.capacity === capacity && candidate.lastStatus === "PROVISIONING")) {
      this.#life.resume(task);
    }
  }

  #changed(task: TaskRecord): void {
    this.ledger.observe(task);
    this.events.emit(task);
    for (const listener of this.#listeners) {
      listener(task);
    }
  }
}

function hookOf(runner: EcsSimOptions["runner"]): RunnerHook | undefined {
  return typeof runner === "object" ? spawnRunner(runner) : runner;
}
