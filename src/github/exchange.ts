import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "../util/clock.ts";
import { GitHubError, isGitHubError } from "./errors.ts";
import type { GitHubMetrics, RequestCode } from "./metrics.ts";
import { type Operation, traitsOf } from "./operations.ts";
import { type LimitOwner, type RateLimits, parseRetryAfter, rateLimited } from "./rate-limits.ts";
import { brokenError, refusalCause, refusalCode } from "./refusal.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { type Answer, BrokenExchange, type Send, type Transport } from "./transport.ts";
import { PaceExceeded, type WritePacer } from "./write-pacer.ts";

/** Sleep waits, or rejects with the signal's reason. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** Call is one request as the layers below the verbs see it. */
export interface Call<T> {
  readonly operation: Operation;
  readonly send: Send<T>;
}

/** ExchangeParts is what all calls of one client share. */
export interface ExchangeParts {
  readonly app: string;
  readonly host: string;
  readonly transport: Transport;
  readonly limits: RateLimits;
  readonly pacer: WritePacer;
  readonly retryBudget: RetryBudget;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: GitHubMetrics;
  readonly sleep: Sleep;
}

const maxRetries = 2;
const firstRetryMs = 250;
/** A 503 may ask for more patience than a caller has; then it is told to come back instead. */
const longestRetryMs = 2_000;

/**
 * Exchange sends one call within the App's budget: it keeps GitHub's pauses and our pace, records limits and metrics, and repeats what
 * may be repeated while the outcome is unknown. Refusals are answers; only limits and unknown outcomes are thrown.
 */
export class Exchange {
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  async run<T>(owner: LimitOwner, authorization: () => string, call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    const { retryBudget, metrics, sleep } = this.#parts;
    const { repeatable } = traitsOf(call.operation);
    for (let retries = 0; ; retries += 1) {
      let failure: GitHubError;
      try {
        const answer = await this.#once(owner, authorization(), call, signal);
        if (answer.ok || refusalCode(answer.status) !== "Unavailable") return answer;
        failure = this.#failed(call.operation, answer);
      } catch (error) {
        if (!isGitHubError(error) || error.code !== "Unavailable") throw error;
        failure = error;
      }
      signal.throwIfAborted();
      const asked = failure.retryAfterMs ?? 0;
      if (!repeatable || retries >= maxRetries || asked > longestRetryMs || !retryBudget.take()) throw failure;
      metrics.retried(call.operation);
      await sleep(Math.max(asked, firstRetryMs * 2 ** retries * (0.5 + Math.random())), signal);
    }
  }

  async #once<T>(owner: LimitOwner, authorization: string, call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    const { operation } = call;
    const { write } = traitsOf(operation);
    this.#keepPause(owner, operation);
    if (write === undefined) return this.#send(owner, authorization, call, signal);
    let leave: () => void;
    try {
      leave = await this.#parts.pacer.enter(write, signal);
    } catch (error) {
      if (!(error instanceof PaceExceeded)) throw error;
      this.#parts.metrics.withheld(operation, "Pacing");
      // Without a time in it: the queue moves all the while, and each waiting request would write every move into its status.
      const message = "the operator spreads its registrations to stay below GitHub's limits; this one waits for its turn";
      throw new GitHubError("RateLimited", message, { retryAfterMs: error.retryAfterMs });
    }
    try {
      // A call that was let through earlier may have met a limit while this one waited.
      this.#keepPause(owner, operation);
      return await this.#send(owner, authorization, call, signal);
    } finally {
      leave();
    }
  }

  #keepPause(owner: LimitOwner, operation: Operation): void {
    const waitMs = this.#parts.limits.waitMs(owner, operation);
    if (waitMs <= 0) return;
    this.#parts.metrics.withheld(operation, "RateLimit");
    throw rateLimited(waitMs, this.#parts.clock);
  }

  async #send<T>(owner: LimitOwner, authorization: string, call: Call<T>, signal: AbortSignal): Promise<Answer<T>> {
    const { transport, limits, log, metrics, clock, app, host } = this.#parts;
    const { operation } = call;
    const startedAt = performance.now();
    const seconds = (): number => (performance.now() - startedAt) / 1_000;
    let answer: Answer<T>;
    try {
      answer = await transport.send(authorization, call.send, signal);
    } catch (error) {
      metrics.observe(operation, signal.aborted && !isDeadline(signal.reason) ? "Cancelled" : "Unavailable", seconds());
      signal.throwIfAborted();
      throw brokenError(operation, host, error instanceof BrokenExchange ? error.reason : error);
    }
    const saysRateLimit = answer.ok ? false : answer.saysRateLimit;
    const pauseMs = limits.observe(owner, operation, { status: answer.status, headers: answer.headers, saysRateLimit });
    const resource = answer.headers.rateLimit?.resource;
    const limit = resource === undefined ? undefined : limits.current()[resource];
    if (resource !== undefined && limit !== undefined) metrics.setRateLimit(app, resource, limit);
    const code: RequestCode = answer.ok ? "OK" : pauseMs === undefined ? refusalCode(answer.status) : "RateLimited";
    metrics.observe(operation, code, seconds());
    const facts = {
      operation,
      status: answer.status,
      durationMs: Math.round(seconds() * 1_000),
      requestId: answer.headers.requestId,
    };
    log.debug(facts, "github answered");
    if (pauseMs === undefined) return answer;
    log.warn({ ...facts, pauseMs, resource }, "github limits our calls");
    throw rateLimited(pauseMs, clock, answer.ok ? undefined : refusalCause(answer));
  }

  #failed(operation: Operation, answer: Extract<Answer<unknown>, { ok: false }>): GitHubError {
    const retryAfterMs = parseRetryAfter(answer.headers, this.#parts.clock.now());
    return new GitHubError(
      "Unavailable",
      `${this.#parts.host} failed to ${traitsOf(operation).does} (${answer.status}); githubstatus.com may know more`,
      {
        status: answer.status,
        cause: refusalCause(answer),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      },
    );
  }
}

/** isDeadline tells our own time limit from a caller that gave up. */
export function isDeadline(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "TimeoutError";
}
