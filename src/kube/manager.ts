import type { Logger } from "../telemetry/log.ts";
import { aborted, sleep } from "./abort.ts";
import type { LeaseElector } from "./lease.ts";

/** Runnable is a part of the process that runs until it is told to stop. */
export interface Runnable {
  readonly name: string;
  /** Runs until the signal aborts, then winds up. To return or to throw before that ends the process. */
  run(signal: AbortSignal): Promise<void>;
  /** Settles when others may rely on it; absent means at once. */
  readonly ready?: Promise<void>;
  /** Called with the stop when there is no time to wind up: ends the work in hand. */
  abandon?(): void;
}

/** Stage is when a runnable runs: caches first, then what every replica does, then what only the leader does. */
export type Stage = "cache" | "always" | "leader";

/** ManagerOptions are an elector, without which this process always leads, and the limits of start and stop. */
export interface ManagerOptions {
  readonly log: Logger;
  readonly elector?: LeaseElector;
  /** How long the leader's work may take to wind up: 20 s unless told. The other stages have 13 s after it. */
  readonly drainMs?: number;
  /** How long caches may take to become ready: 120 s unless told. */
  readonly syncTimeoutMs?: number;
}

const stages: readonly Stage[] = ["cache", "always", "leader"];
/** What every replica does answers others, who wait for up to 8 s; caches have nothing to finish. */
const drainMs: Readonly<Record<Stage, number>> = { leader: 20_000, always: 10_000, cache: 3_000 };

/** Running are the started runnables of one stage. */
interface Running {
  readonly stage: Stage;
  readonly stop: AbortController;
  /** Names of those that have not ended yet. */
  readonly names: Set<string>;
  readonly ended: Promise<unknown>;
}

/**
 * Manager starts and stops the parts of a process in order. Caches must be ready before anything else starts; the
 * leader's part starts once the Lease is held. A stop goes backwards, and the Lease is released when nothing that
 * needed it runs any more. Loss of the Lease, or a part that ends unasked, makes run() reject: the process should
 * then exit with an error and be started anew.
 */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #log: Logger;
  readonly #runnables: Record<Stage, Runnable[]> = { cache: [], always: [], leader: [] };
  readonly #running: Running[] = [];
  readonly #broken = Promise.withResolvers<never>();
  /** Aborts when a part broke: nothing is started any more. */
  readonly #breakdown = new AbortController();
  #ready = false;
  #started = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#log = options.log;
    // Looked at by run(); before that, nobody would catch a rejection.
    this.#broken.promise.catch(() => undefined);
  }

  /** ready is whether caches are synced and everything that each replica does runs: what /readyz should say. */
  get ready(): boolean {
    return this.#ready;
  }

  /** add registers a runnable, before run(); its stage is "always" unless told. */
  add(runnable: Runnable, options: { readonly stage: Stage } = { stage: "always" }): void {
    if (this.#started) throw new Error(`${runnable.name} was added after the manager had started`);
    this.#runnables[options.stage].push(runnable);
  }

  /** run runs everything until the signal aborts. @throws when a part broke or the Lease was lost. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#started) throw new Error("the manager runs once");
    this.#started = true;
    const stop = aborted(signal);
    try {
      const life = this.#live(AbortSignal.any([signal, this.#breakdown.signal]));
      // When a stop or a breakdown wins the race, start-up ends on its own signals and has nothing more to say.
      life.catch(() => undefined);
      await Promise.race([life, stop.promise, this.#broken.promise]);
      this.#ready = false;
      // While the leader's work winds up the Lease is still needed.
      await Promise.race([this.#wind(), this.#lost()]);
    } catch (error) {
      this.#ready = false;
      await this.#abandon();
      throw error;
    } finally {
      stop.dispose();
    }
  }

  /** lost rejects when the Lease is lost. */
  async #lost(): Promise<never> {
    const lost = await (this.#options.elector?.lost ?? new Promise<never>(() => undefined));
    throw lost;
  }

  /** live starts stage after stage and then waits for ever. */
  async #live(signal: AbortSignal): Promise<never> {
    const { elector } = this.#options;
    for (const stage of stages) {
      if (stage === "leader" && elector !== undefined) {
        await elector.acquire(signal);
        if (signal.aborted) break;
        elector.lost.then(this.#broken.reject, this.#broken.reject);
      }
      this.#start(stage);
      await this.#untilReady(stage, signal);
      if (signal.aborted) break;
      if (stage === "always") this.#ready = true;
    }
    return this.#broken.promise;
  }

  #start(stage: Stage): void {
    const stop = new AbortController();
    const names = new Set(this.#runnables[stage].map((runnable) => runnable.name));
    const ended = this.#runnables[stage].map(async (runnable) => {
      try {
        await runnable.run(stop.signal);
        if (!stop.signal.aborted) this.#broken.reject(new Error(`${runnable.name} ended although nobody had told it to stop`));
      } catch (error) {
        if (stop.signal.aborted) this.#log.error({ err: error, runnable: runnable.name }, "failed while stopping");
        else this.#broken.reject(new Error(`${runnable.name} failed`, { cause: error }));
      } finally {
        names.delete(runnable.name);
      }
    });
    this.#running.push({ stage, stop, names, ended: Promise.all(ended) });
  }

  async #untilReady(stage: Stage, signal: AbortSignal): Promise<void> {
    const waiting = new Set(this.#runnables[stage].map((runnable) => runnable.name));
    const ready = this.#runnables[stage].map(async (runnable) => {
      await runnable.ready;
      waiting.delete(runnable.name);
    });
    const limitMs = this.#options.syncTimeoutMs ?? 120_000;
    const cancel = new AbortController();
    const stop = aborted(signal);
    const late = sleep(limitMs, cancel.signal).then((passed) => {
      if (!passed) return;
      throw new Error(`not ready within ${limitMs / 1_000} s: ${[...waiting].join(", ")}; see the errors before this line`);
    });
    try {
      await Promise.race([Promise.all(ready), late, stop.promise]);
    } finally {
      stop.dispose();
      cancel.abort();
    }
  }

  /**
   * wind stops stage after stage, last started first, each within its time. The Lease goes with the leader's work; it stays, to run out by
   * itself, when that did not end: a successor that began at once would work beside it.
   */
  async #wind(): Promise<void> {
    const { elector } = this.#options;
    let released = false;
    for (const { stage, stop, ended, names } of this.#running.toReversed()) {
      const limitMs = stage === "leader" ? (this.#options.drainMs ?? drainMs.leader) : drainMs[stage];
      stop.abort();
      const inTime = await endsWithin(ended, limitMs);
      if (!inTime) this.#log.warn({ runnables: [...names], limitMs }, "still running after the time to stop");
      if (stage !== "leader") continue;
      released = true;
      if (inTime) await elector?.release();
      else elector?.stop();
    }
    if (!released) await elector?.release();
  }

  /**
   * abandon stops everything at once and hardly waits. It does not release the Lease: what did not stop may still be
   * at work, so a successor has to wait until the Lease runs out.
   */
  async #abandon(): Promise<void> {
    this.#breakdown.abort();
    for (const { stage, stop } of this.#running) {
      stop.abort();
      for (const runnable of this.#runnables[stage]) runnable.abandon?.();
    }
    await endsWithin(Promise.all(this.#running.map((running) => running.ended)), 1_000);
    this.#options.elector?.stop();
  }
}

async function endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  const cancel = new AbortController();
  const late = sleep(ms, cancel.signal).then(() => false);
  try {
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    cancel.abort();
  }
}
