import { setTimeout as sleep } from "node:timers/promises";
import type { KubeApi } from "./kube-api.ts";

const everyMs = 400;
/** A Lease that is divided by 5 is renewed every 400 ms, with 1 s for each call: slower than this, and renewals fail. */
const slowMs = 600;

/** Slowness is a time in which the API server, or the machine, was too slow for anybody. */
export interface Slowness {
  readonly from: number;
  readonly to: number;
}

/**
 * Pulse asks the API server for something small again and again, past all faults, as an operator does with its Lease. When it gets no
 * quick answer either, an operator that loses its Lease at that time is no finding about the operator.
 */
export class Pulse {
  readonly slow: Slowness[] = [];
  readonly #api: KubeApi;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(api: KubeApi) {
    this.#api = api;
    this.#running = this.#run();
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
    }
  }
}
