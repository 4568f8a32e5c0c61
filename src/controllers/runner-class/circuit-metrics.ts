import { Counter, Gauge, type Registry } from "../../telemetry/metrics.ts";
import { type Circuit, type CircuitReason, circuitReasons } from "./circuit.ts";

/** CircuitMetrics counts circuits over all classes: labels come from closed lists, the classes' statuses say which rungs. */
export class CircuitMetrics {
  readonly #openings: Counter<"reason">;
  #circuits: () => Iterable<Circuit> = () => [];

  constructor(registry: Registry) {
    const registers = [registry];
    const circuits = (): Iterable<Circuit> => this.#circuits();
    new Gauge({
      name: "getabako_circuits_open",
      help: "Rungs of the classes' ladders that are passed over, or tried by one runner, since they were interrupted or refused again and again.",
      labelNames: ["reason", "state"],
      registers,
      // Read at each scrape, from memory: a sum that is kept beside it could only be wrong.
      collect() {
        for (const reason of circuitReasons) for (const state of ["Open", "HalfOpen"] as const) this.set({ reason, state }, 0);
        for (const { reason, state } of circuits()) this.inc({ reason, state });
      },
    });
    this.#openings = new Counter({
      name: "getabako_circuit_openings_total",
      help: "How often a rung's circuit was opened, or opened again after a trial, by reason.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of circuitReasons) this.#openings.inc({ reason }, 0);
  }

  /** watch tells where the circuits are. */
  watch(circuits: () => Iterable<Circuit>): void {
    this.#circuits = circuits;
  }

  /** opened counts an opening. */
  opened(reason: CircuitReason): void {
    this.#openings.inc({ reason });
  }
}
