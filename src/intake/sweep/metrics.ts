import { Counter, Histogram, type Registry } from "../../telemetry/metrics.ts";

export const sweeps = ["Redelivery", "QueuedJobs", "Refresh"] as const;
export type Sweep = (typeof sweeps)[number];

/** turnOutcomes is how one App's turn in a sweep can end: done, withheld by its number of calls, by half of the quota or by a limit, or failed. */
export const turnOutcomes = ["Done", "Withheld", "Failed"] as const;
export type TurnOutcome = (typeof turnOutcomes)[number];

const redeliveryOutcomes = ["Accepted", "Failed", "Gone", "GivenUp"] as const;
type RedeliveryOutcome = (typeof redeliveryOutcomes)[number];

/** SweepMetrics counts what the sweeps do. All labels come from closed lists. */
export class SweepMetrics {
  readonly #turns: Counter<"sweep" | "outcome">;
  readonly #seconds: Histogram<"sweep">;
  readonly #redeliveries: Counter<"outcome">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#turns = new Counter({
      name: "getabako_sweep_turns_total",
      help: "Turns of an App in a sweep by outcome; Withheld ones ended at their number of calls, at half of the quota or at a limit.",
      labelNames: ["sweep", "outcome"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "getabako_sweep_duration_seconds",
      help: "Time that one App's turn in a sweep took.",
      labelNames: ["sweep"],
      buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
      registers,
    });
    this.#redeliveries = new Counter({
      name: "getabako_redeliveries_total",
      help: "Failed webhook deliveries that GitHub was asked to send again, by its answer; Gone and GivenUp count events.",
      labelNames: ["outcome"],
      registers,
    });
    for (const sweep of sweeps) {
      for (const outcome of turnOutcomes) this.#turns.inc({ sweep, outcome }, 0);
      this.#seconds.zero({ sweep });
    }
    for (const outcome of redeliveryOutcomes) this.#redeliveries.inc({ outcome }, 0);
  }

  /** turned counts one App's turn. */
  turned(sweep: Sweep, outcome: TurnOutcome, seconds: number): void {
    this.#turns.inc({ sweep, outcome });
    this.#seconds.observe({ sweep }, seconds);
  }

  /** redelivered counts what became of a failed delivery. */
  redelivered(outcome: RedeliveryOutcome): void {
    this.#redeliveries.inc({ outcome });
  }
}
