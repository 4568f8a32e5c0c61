import { Counter, Histogram, type Registry } from "../telemetry/metrics.ts";
import type { Source } from "./decide.ts";
import { jobActions } from "./event.ts";

/** outcomes is what can become of a delivery: the word in the answer's body and the label of the metrics. */
export const outcomes = ["created", "exists", "recorded", "unchanged", "ignored", "pong", "rejected", "unavailable"] as const;
export type Outcome = (typeof outcomes)[number];

const events = ["workflow_job", "ping"] as const;

/** IntakeMetrics counts deliveries and requests. All label values come from closed lists: events and actions are written by strangers. */
export class IntakeMetrics {
  readonly #deliveries: Counter<"event" | "action" | "outcome">;
  readonly #seconds: Histogram<"outcome">;
  readonly #created: Counter<"source">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#deliveries = new Counter({
      name: "getabako_webhook_requests_total",
      help: "Requests at the webhook's port by event, action and outcome; action is none where the payload was not read.",
      labelNames: ["event", "action", "outcome"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "getabako_webhook_duration_seconds",
      help: "Time from the headers of a delivery to its answer; GitHub waits 10 seconds.",
      labelNames: ["outcome"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#created = new Counter({
      name: "getabako_runner_requests_created_total",
      help: "RunnerRequests created, by what told of the job.",
      labelNames: ["source"],
      registers,
    });
    for (const action of jobActions) {
      for (const outcome of outcomes) {
        if (outcome !== "pong") this.#deliveries.inc({ event: "workflow_job", action, outcome }, 0);
      }
    }
    // What is refused or fails before its payload is read: without a zero, the first of a new pod would be no increase to Prometheus.
    for (const outcome of ["rejected", "unavailable"] as const) {
      this.#deliveries.inc({ event: "workflow_job", action: "none", outcome }, 0);
    }
    for (const outcome of outcomes) this.#seconds.zero({ outcome });
    for (const source of ["Webhook", "Sweep"] as const) this.#created.inc({ source }, 0);
  }

  /** answered counts one request and what it took. */
  answered(delivery: { event?: string | undefined; action?: string | undefined; outcome: Outcome; seconds: number }): void {
    const { outcome } = delivery;
    const event = delivery.event === undefined ? "none" : oneOf(events, delivery.event);
    const action = delivery.action === undefined ? "none" : oneOf(jobActions, delivery.action);
    this.#deliveries.inc({ event, action, outcome });
    this.#seconds.observe({ outcome }, delivery.seconds);
  }

  /** created counts a RunnerRequest that was not there before. */
  created(source: Source): void {
    this.#created.inc({ source });
  }
}

function oneOf(known: readonly string[], value: string): string {
  return known.includes(value) ? value : "other";
}
