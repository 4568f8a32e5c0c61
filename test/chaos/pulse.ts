import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeApi } from "./kube-api.ts";

const everyMs = 400;
/**
 * A Lease that is divided by 5 is renewed every 400 ms, with 1 s for each call and 2 s in all. A renewal goes through more than this small
 * write does (the operator, its proxy), so half a second here may be a second there.
 */
const slowMs = 250;

/** Slowness is a time in which the API server, or the machine, was too slow for anybody. */
export interface Slowness {
  readonly from: number;
  readonly to: number;
}

/**
 * Pulse writes something small to the API server again and again, past all faults, as an operator does with its Lease. When it gets no
 * quick answer either, or an operator waits for a processor as long, an operator that loses its Lease at that time is no finding about the
 * operator.
 */
export class Pulse {
  readonly slow: Slowness[] = [];
  readonly #api: KubeApi;
  #pids: () => readonly number[] = () => [];
  /** By process, for how long it has waited for a processor in all, in milliseconds. */
  readonly #waited = new Map<number, number>();
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(api: KubeApi) {
    this.#api = api;
    this.#running = this.#run();
  }

  /** watch has the operators' processes looked at as well. */
  watch(pids: () => readonly number[]): void {
    this.#pids = pids;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** For how long the machine was too slow, in all. */
  get slowSeconds(): number {
    return this.slow.reduce((sum, { from, to }) => sum + to - from, 0) / 1_000;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const from = Date.now();
      await this.#api.ping().catch(() => undefined);
      const answered = Date.now();
      if (answered - from > slowMs) this.slow.push({ from, to: answered });
      await sleep(everyMs);
      // A timer that comes late says that this process, which is also the network between all others, did not run.
      const late = Date.now() - answered - everyMs;
      if (late > slowMs) this.slow.push({ from: answered, to: Date.now() });
      for (const pid of this.#pids()) if ((await this.#starved(pid)) > slowMs) this.slow.push({ from, to: Date.now() });
    }
  }

  /** For how many milliseconds a process' main thread has waited for a processor since the last beat. */
  async #starved(pid: number): Promise<number> {
    const before = this.#waited.get(pid);
    // Time on a processor, time waiting for one, both in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).
    const text = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => "");
    const now = Number(text.split(" ")[1] ?? 0) / 1e6;
    this.#waited.set(pid, now);
    return before === undefined ? 0 : now - before;
  }
}
