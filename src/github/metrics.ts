import { Counter, Gauge, Histogram, type Registry } from "../telemetry/metrics.ts";
import { githubErrorCodes } from "./errors.ts";
import { type Operation, operations } from "./operations.ts";
import type { RateLimit } from "./types.ts";

/** requestCodes is the closed set behind the `code` label: how one HTTP exchange ended. */
export const requestCodes = ["OK", ...githubErrorCodes, "Cancelled"] as const;

export type RequestCode = (typeof requestCodes)[number];

/** withheldReasons says why a call was not sent at all: GitHub asked for a pause, or our own pace was reached. */
export const withheldReasons = ["RateLimit", "Pacing"] as const;

export type WithheldReason = (typeof withheldReasons)[number];

/** GitHubMetrics holds the client's metrics; every series of a closed label set exists from the start. */
export class GitHubMetrics {
  readonly #requests: Counter<"operation" | "code">;
  readonly #duration: Histogram<"operation">;
  readonly #withheld: Counter<"operation" | "reason">;
  readonly #retries: Counter<"operation">;
  readonly #remaining: Gauge<"app" | "resource">;
  readonly #limit: Gauge<"app" | "resource">;
  /** Clients per App: while one is rebuilt after a rotation there are two, and the old one must not take the gauges along. */
  readonly #clients = new Map<string, number>();
  /** Resources seen per App; GitHub names them, so the number of label values is capped. */
  readonly #resources = new Map<string, Set<string>>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "getabako_github_requests_total",
      help: "HTTP exchanges with GitHub's REST API by operation and outcome.",
      labelNames: ["operation", "code"],
      registers,
    });
    this.#duration = new Histogram({
      name: "getabako_github_request_duration_seconds",
      help: "Duration of HTTP exchanges with GitHub's REST API.",
      labelNames: ["operation"],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
      registers,
    });
    this.#withheld = new Counter({
      name: "getabako_github_requests_withheld_total",
      help: "Calls that were not sent because GitHub asked for a pause or the pace of writes was reached.",
      labelNames: ["operation", "reason"],
      registers,
    });
    this.#retries = new Counter({
      name: "getabako_github_request_retries_total",
      help: "Repetitions of calls whose outcome was unknown.",
      labelNames: ["operation"],
      registers,
    });
    this.#remaining = new Gauge({
      name: "getabako_github_rate_limit_remaining",
      help: "Calls left in GitHub's rate limit window, of the tightest installation.",
      labelNames: ["app", "resource"],
      registers,
    });
    this.#limit = new Gauge({
      name: "getabako_github_rate_limit_limit",
      help: "Size of GitHub's rate limit window, of the tightest installation.",
      labelNames: ["app", "resource"],
      registers,
    });
    for (const operation of Object.keys(operations) as Operation[]) {
      for (const code of requestCodes) this.#requests.inc({ operation, code }, 0);
      for (const reason of withheldReasons) this.#withheld.inc({ operation, reason }, 0);
      this.#retries.inc({ operation }, 0);
      this.#duration.zero({ operation });
    }
  }

  observe(operation: Operation, code: RequestCode, seconds: number): void {
    this.#requests.inc({ operation, code });
    this.#duration.observe({ operation }, seconds);
  }

  withheld(operation: Operation, reason: WithheldReason): void {
    this.#withheld.inc({ operation, reason });
  }

  retried(operation: Operation): void {
    this.#retries.inc({ operation });
  }

  setRateLimit(app: string, resource: string, { limit, remaining }: RateLimit): void {
    const seen = this.#resources.get(app) ?? new Set();
    if (!seen.has(resource) && seen.size >= 20) return;
    this.#resources.set(app, seen.add(resource));
    this.#remaining.set({ app, resource }, remaining);
    this.#limit.set({ app, resource }, limit);
  }

  /** opened registers one more client of an App. */
  opened(app: string): void {
    this.#clients.set(app, (this.#clients.get(app) ?? 0) + 1);
  }

  /** closed drops an App's gauges together with its last client: a removed App must not alarm for ever. */
  closed(app: string): void {
    const left = (this.#clients.get(app) ?? 1) - 1;
    if (left > 0) {
      this.#clients.set(app, left);
      return;
    }
    this.#clients.delete(app);
    for (const resource of this.#resources.get(app) ?? []) {
      this.#remaining.remove({ app, resource });
      this.#limit.remove({ app, resource });
    }
    this.#resources.delete(app);
  }
}
