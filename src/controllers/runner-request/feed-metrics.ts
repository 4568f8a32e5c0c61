import { providerErrorCodes } from "../../provider/errors.ts";
import { Counter, Gauge, type Registry } from "../../telemetry/metrics.ts";

/**
 * messageOutcomes is what becomes of a feed's messages:
 *
 * | outcome | meaning |
 * |---|---|
 * | taken | news of an instance |
 * | stale | a duplicate, or older than what is known |
 * | early | of an instance that is not stored yet; kept until it is |
 * | stranger | of an instance whose request is not known here: another operator's, or over |
 * | foreign | not about a runner |
 * | unreadable | not to be read |
 */
export const messageOutcomes = ["taken", "stale", "early", "stranger", "foreign", "unreadable"] as const;
export type MessageOutcome = (typeof messageOutcomes)[number];

/** FeedMetrics counts what feeds bring, and their failures. */
export class FeedMetrics {
  readonly #messages: Counter<"outcome">;
  readonly #failures: Counter<"code">;
  readonly #feeds: Gauge<"state">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#messages = new Counter({
      name: "getabako_feed_messages_total",
      help: "Messages of the feeds of providers, by what became of them.",
      labelNames: ["outcome"],
      registers,
    });
    this.#failures = new Counter({
      name: "getabako_feed_failures_total",
      help: "Reads of feeds that failed, by code of the provider's error.",
      labelNames: ["code"],
      registers,
    });
    this.#feeds = new Gauge({
      name: "getabako_feeds",
      help: "Feeds that this process reads: live, or down, so that instances are read by polling.",
      labelNames: ["state"],
      registers,
    });
    for (const outcome of messageOutcomes) this.#messages.inc({ outcome }, 0);
    for (const code of providerErrorCodes) this.#failures.inc({ code }, 0);
    this.feeds(0, 0);
  }

  messages(outcome: MessageOutcome, count: number): void {
    if (count > 0) this.#messages.inc({ outcome }, count);
  }

  failed(code: (typeof providerErrorCodes)[number]): void {
    this.#failures.inc({ code });
  }

  feeds(live: number, down: number): void {
    this.#feeds.set({ state: "live" }, live);
    this.#feeds.set({ state: "down" }, down);
  }
}
