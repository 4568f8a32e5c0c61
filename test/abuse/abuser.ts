import { parentPort, workerData } from "node:worker_threads";
import { type AbuseName, abuses, type Victim } from "./abuses.ts";

/** Order is what an abuser is told to do. */
export interface Order {
  readonly abuse: AbuseName;
  readonly victim: Victim;
  readonly seconds: number;
}

// A thread of its own: what honest senders measure must not wait for what the abuser does.
const { abuse, victim, seconds } = workerData as Order;
// A timer that keeps the thread alive, as that of AbortSignal.timeout would not.
const over = new AbortController();
setTimeout(() => over.abort(), seconds * 1_000);
parentPort?.postMessage(await abuses[abuse].play(victim, over.signal));
