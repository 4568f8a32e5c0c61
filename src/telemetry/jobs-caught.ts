import { Counter, type Registry } from "./metrics.ts";

/** nets are what can catch a job that its webhooks, its runner or the operator lost. */
export const nets = ["Redelivery", "Sweep", "Refresh", "InstanceSweep", "RegistrationSweep", "Replacement"] as const;
export type Net = (typeof nets)[number];

/** JobsCaught counts which net caught what: any but a zero says that something was lost on the usual way. */
export class JobsCaught {
  readonly #caught: Counter<"net">;

  constructor(registry: Registry) {
    this.#caught = new Counter({
      name: "getabako_jobs_caught_total",
      help: "Jobs, or news of jobs, that were lost on the usual way, by the net that caught them.",
      labelNames: ["net"],
      registers: [registry],
    });
    for (const net of nets) this.#caught.inc({ net }, 0);
  }

  /** caught counts what a net caught. */
  caught(net: Net, count = 1): void {
    this.#caught.inc({ net }, count);
  }
}
