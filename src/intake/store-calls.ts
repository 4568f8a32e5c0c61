import { sleep } from "../kube/abort.ts";
import { type ApiError, isApiError } from "../kube/api-error.ts";
import type { Logger } from "../telemetry/log.ts";
import { Semaphore } from "../util/semaphore.ts";
import { StoreUnavailable } from "./store-unavailable.ts";

/**
 * A call that has taken this long is given up and made again while time is left: with several API servers behind one address, the
 * next connection often leads to one that answers. All calls can be repeated, as names and versions keep them from doing it twice.
 */
const callTimeoutMs = 2_000;
/**
 * Calls at a time. The others wait here, where their time does not pass: of a burst of a thousand webhooks the last would wait longer for one
 * of the 64 connections than a call may take, be given up, and wait behind all others again. Twice as many as there are connections
 * wait no longer than a slow API server answers two, and get four times the share of 32 workers: a webhook that is lost costs a job
 * minutes, a launch that comes later seconds.
 */
const maxCalls = 128;
const firstPauseMs = 100;
const longestPauseMs = 1_600;

/** CallContext is one delivery's part in a call. */
export interface CallContext {
  /** Aborts when the answer is due: GitHub waits 10 s, so callers give 8. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** CallOptions are what a call to the API server is made with. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** StoreCalls makes intake's calls to the API server: a bounded number at a time, and each again while it gets no answer and time is left. */
export class StoreCalls {
  readonly #slots = new Semaphore(maxCalls);

  /** @throws StoreUnavailable when there is no answer in time, or one that will not change by being asked for again. */
  async run<R>({ signal, log }: CallContext, call: (options: CallOptions) => Promise<R>): Promise<R> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        return await this.#slots.run(() => call({ signal, timeoutMs: callTimeoutMs }), signal);
      } catch (error) {
        if (!isApiError(error)) {
          if (signal.aborted) throw outOfTime(error);
          throw error;
        }
        if (!isPassing(error)) throw new StoreUnavailable("Refused", whyRefused(error), { cause: error });
        log.debug({ reason: error.reason, status: error.status }, "the API server did not answer, trying again");
        const rested = await sleep(Math.max(error.retryAfterMs ?? 0, pauseMs * (0.5 + Math.random())), signal);
        if (!rested) throw outOfTime(error);
      }
    }
  }
}

/** outOfTime is what whoever sent the delivery is told when its answer is due and nothing is stored. */
export function outOfTime(cause: unknown): StoreUnavailable {
  const said = "the API server did not answer in time; nothing is lost if this delivery is sent again";
  return new StoreUnavailable("Absent", said, { cause });
}

/** Failures that say nothing about the call: no answer, too busy, broken. */
function isPassing(error: ApiError): boolean {
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

function whyRefused(error: ApiError): string {
  switch (error.reason) {
    case "Forbidden":
    case "Unauthorized":
      return `the API server does not let the operator do this (${error.reason}): check its Role and whether the namespace is being deleted`;
    case "NotFound":
      return "the API server knows no such namespace, or the CRDs of getabako.dev are not installed";
    case "Invalid":
    case "BadRequest":
      return `the API server refused the RunnerRequest (${error.reason}): check that the installed CRDs are those of this release`;
    default:
      return `the API server refused the call (${error.reason})`;
  }
}
