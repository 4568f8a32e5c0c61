import type { Clock } from "../util/clock.ts";
import { isoTime } from "../util/clock.ts";
import { Wait } from "../util/wait.ts";
import { GitHubError } from "./errors.ts";
import { type Operation, traitsOf } from "./operations.ts";
import type { AnswerHeaders } from "./transport.ts";
import type { RateLimit } from "./types.ts";

/** LimitOwner is whose budget a call draws from: an installation by its id, or the App itself. */
export type LimitOwner = string;
/** appOwner is the App itself: no installation's id, which are numbers. */
export const appOwner: LimitOwner = "app";

interface Bucket {
  readonly limit: number;
  readonly remaining: number;
  /** As GitHub wrote it. */
  readonly resetAt: string;
  /** The same moment on our clock. */
  readonly resetAtMs: number;
}

interface Pause {
  readonly wait: Wait;
  /** Undefined for a secondary limit, which stops every call of the owner. */
  readonly resource: string | undefined;
}

const hourMs = 3_600_000;
const firstSecondaryPauseMs = 60_000;
const longestSecondaryPauseMs = 900_000;

/**
 * RateLimits keeps what GitHub said about its limits and refuses calls that would break them, so that a pause that GitHub asked for is
 * kept by everyone who shares the budget and not only by the call that was told. Going on during a limit may get an App banned.
 */
export class RateLimits {
  readonly #clock: Clock;
  readonly #buckets = new Map<LimitOwner, Map<string, Bucket>>();
  /** At most one pause per owner and resource, plus one per owner; expired ones are dropped when they are looked at. */
  readonly #pauses = new Map<LimitOwner, Pause[]>();
  /** Secondary limits in a row per owner; each doubles the pause. */
  readonly #strikes = new Map<LimitOwner, number>();
  /** Which bucket each operation was last counted in: it is known only afterwards, and GitHub moves operations between buckets. */
  readonly #resourceOf = new Map<Operation, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** waitMs is how long a call has to wait, 0 when it may go out now. Registrations leave the last 2 % of a bucket to removals. */
  waitMs(owner: LimitOwner, operation: Operation): number {
    const now = this.#clock.now();
    const resource = this.#resourceOf.get(operation) ?? "core";
    const pauses = (this.#pauses.get(owner) ?? []).filter(({ wait }) => !wait.isOver(now));
    this.#pauses.set(owner, pauses);
    let waitMs = 0;
    for (const pause of pauses) {
      if (pause.resource === undefined || pause.resource === resource) waitMs = Math.max(waitMs, pause.wait.left(now));
    }
    const bucket = this.#buckets.get(owner)?.get(resource);
    if (bucket !== undefined && isRunning(bucket, now)) {
      const reserve = traitsOf(operation).write === "mint" ? Math.floor(bucket.limit * 0.02) : 0;
      if (bucket.remaining <= reserve) waitMs = Math.max(waitMs, bucket.resetAtMs - now);
    }
    return waitMs;
  }

  /**
   * observe takes in the headers of an answer.
   * @returns the pause that this answer asks for when it is a limit, otherwise undefined.
   */
  observe(
    owner: LimitOwner,
    operation: Operation,
    answer: { status: number; headers: AnswerHeaders; saysRateLimit: boolean },
  ): number | undefined {
    const now = this.#clock.now();
    const resource = this.#remember(owner, operation, answer.headers, now);
    const exhausted = answer.headers.rateLimit?.remaining === 0;
    const retryAfterMs = parseRetryAfter(answer.headers, now);
    const limited =
      answer.status === 429 ||
      (answer.status === 403 && (exhausted || answer.headers.retryAfter !== undefined || answer.saysRateLimit));
    if (!limited) {
      if (answer.status < 400 && !this.#pauses.get(owner)?.some(({ wait }) => !wait.isOver(now))) this.#strikes.delete(owner);
      return undefined;
    }
    if (exhausted && resource !== undefined) {
      const resetAtMs = this.#buckets.get(owner)?.get(resource)?.resetAtMs ?? now;
      return this.#pause(owner, resource, Math.max(retryAfterMs ?? 0, resetAtMs - now, 1_000), now);
    }
    return this.#pause(owner, undefined, retryAfterMs ?? this.#strike(owner, now), now);
  }

  /** of shows the buckets of one owner whose window still runs, whatever our clock says; nothing where the owner is not known yet. */
  of(owner: LimitOwner | undefined): Readonly<Record<string, RateLimit>> {
    if (owner === undefined) return {};
    const now = this.#clock.now();
    // What was seen of a window that is over says nothing any more.
    return shown([...(this.#buckets.get(owner) ?? [])].filter(([, bucket]) => isRunning(bucket, now)));
  }

  /** current shows the tightest bucket of each resource, among those whose window still runs. */
  current(): Readonly<Record<string, RateLimit>> {
    const now = this.#clock.now();
    const tightest = new Map<string, Bucket>();
    for (const buckets of this.#buckets.values()) {
      for (const [resource, bucket] of buckets) {
        if (!isRunning(bucket, now)) continue;
        const other = tightest.get(resource);
        if (other === undefined || shareLeft(bucket) < shareLeft(other)) tightest.set(resource, bucket);
      }
    }
    return shown(tightest);
  }

  #remember(owner: LimitOwner, operation: Operation, headers: AnswerHeaders, now: number): string | undefined {
    const said = headers.rateLimit;
    if (said === undefined) return undefined;
    const { limit, remaining, resetSeconds, resource } = said;
    this.#resourceOf.set(operation, resource);
    const buckets = this.#buckets.get(owner) ?? new Map<string, Bucket>();
    const resetAtMs = now + Math.min(Math.max(resetSeconds * 1_000 - githubTime(headers, now), 0), hourMs);
    const known = buckets.get(resource);
    // Answers to concurrent calls overtake each other: within one window the count only falls.
    const sameWindow = known !== undefined && known.limit === limit && known.resetAt === isoTime(resetSeconds * 1_000);
    const left = sameWindow ? Math.min(known.remaining, remaining) : remaining;
    buckets.set(resource, { limit, remaining: left, resetAt: isoTime(resetSeconds * 1_000), resetAtMs });
    this.#buckets.set(owner, buckets);
    return resource;
  }

  #strike(owner: LimitOwner, now: number): number {
    const running = (this.#pauses.get(owner) ?? []).find(({ wait, resource }) => resource === undefined && !wait.isOver(now));
    // Calls that were under way together are refused together: that is one strike.
    if (running !== undefined) return running.wait.left(now);
    const strikes = this.#strikes.get(owner) ?? 0;
    this.#strikes.set(owner, strikes + 1);
    return Math.min(firstSecondaryPauseMs * 2 ** strikes, longestSecondaryPauseMs);
  }

  #pause(owner: LimitOwner, resource: string | undefined, ms: number, now: number): number {
    const pauses = this.#pauses.get(owner) ?? [];
    const waitMs = Math.max(ms, pauses.find((pause) => pause.resource === resource)?.wait.left(now) ?? 0);
    const wait = new Wait(now, waitMs);
    this.#pauses.set(owner, [...pauses.filter((pause) => pause.resource !== resource), { resource, wait }]);
    return waitMs;
  }
}

/** rateLimited is the error of a call that has to wait. */
export function rateLimited(retryAfterMs: number, clock: Clock, cause?: Error): GitHubError {
  const until = isoTime(Math.ceil((clock.now() + retryAfterMs) / 1_000) * 1_000);
  return new GitHubError("RateLimited", `GitHub limits the calls of this App; the next one may go out at ${until}`, {
    retryAfterMs,
    ...(cause === undefined ? {} : { cause }),
  });
}

function shown(buckets: Iterable<readonly [string, Bucket]>): Readonly<Record<string, RateLimit>> {
  return Object.fromEntries(
    [...buckets]
      .map(([resource, { limit, remaining, resetAt }]) => [resource, { limit, remaining, resetAt }] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Whether a bucket's window still runs. None is longer than an hour: one that seems to be is of a clock that was set back. */
function isRunning({ resetAtMs }: Bucket, now: number): boolean {
  return resetAtMs > now && resetAtMs <= now + hourMs;
}

function shareLeft({ limit, remaining }: Bucket): number {
  return limit === 0 ? 1 : remaining / limit;
}

/** githubTime is GitHub's clock when it answered: reset times are given on that clock, not on ours. */
function githubTime(headers: AnswerHeaders, now: number): number {
  const date = headers.date === undefined ? Number.NaN : Date.parse(headers.date);
  return Number.isNaN(date) ? now : date;
}

/** parseRetryAfter reads Retry-After, which is a number of seconds or a date on GitHub's clock. */
export function parseRetryAfter(headers: AnswerHeaders, now: number): number | undefined {
  const text = headers.retryAfter?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.max(Number(text) * 1_000, 1_000), 24 * hourMs);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(date - githubTime(headers, now), 1_000), 24 * hourMs);
}
