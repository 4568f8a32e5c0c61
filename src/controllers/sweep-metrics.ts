import { Counter, type Registry } from "../telemetry/metrics.ts";

/** sweepOutcomes are the label values of getabako_swept_total: what was found, and what was done about it. */
export const sweepOutcomes = {
  instance: ["removed", "busy", "unrecorded"],
  registration: ["removed", "busy", "unrecorded", "lost"],
} as const;

export type Swept = keyof typeof sweepOutcomes;
export type SweepOutcome<What extends Swept> = (typeof sweepOutcomes)[What][number];

/** SweepMetrics counts what the two sweeps found that nobody else would have; every series exists from the start. */
export class SweepMetrics {
  readonly #swept: Counter<"what" | "outcome">;

  constructor(registry: Registry) {
    this.#swept = new Counter({
      name: "getabako_swept_total",
      help: "Instances and registrations that did not fit the RunnerRequests: removed, left alone because busy, or told to their request.",
      labelNames: ["what", "outcome"],
      registers: [registry],
    });
    for (const [what, outcomes] of Object.entries(sweepOutcomes)) {
      for (const outcome of outcomes) this.#swept.inc({ what, outcome }, 0);
    }
  }

  /** swept counts one find. */
  swept<What extends Swept>(what: What, outcome: SweepOutcome<What>): void {
    this.#swept.inc({ what, outcome });
  }
}
