import { Wait } from "../../util/wait.ts";

/** BucketSize is a token bucket as AWS documents them. */
export interface BucketSize {
  /** Calls that may go out at once after a rest. */
  readonly burst: number;
  /** Calls a second that it refills. */
  readonly perSecond: number;
}

/** One answer of AWS that asks for fewer calls halves the rate ... */
const cutTo = 0.5;
/** ... down to this part of the full one: a call now and then has to find out whether AWS answers again ... */
const lowest = 0.05;
/** ... and each second gives so much of the full rate back: half of it in 25 s. Up slowly and down quickly is what lets neighbours share. */
const regainedPerSecond = 0.02;
/** A proxy's Retry-After of a day would stop an account for a day. */
const longestHoldMs = 15 * 60_000;

/**
 * TokenBucket counts what may still be called, and learns from AWS' refusals: they mean that somebody else of the account calls too. It
 * holds no timer and reads no clock; whoever asks says what time it is.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #fullRate: number;
  /** Tokens a second at #filledAtMs: from `lowest` of the full rate up to all of it. */
  #rate: number;
  #tokens: number;
  #filledAtMs: number;
  /** While AWS' Retry-After lasts there are no tokens, and none come. */
  #hold: Wait | undefined;
  /** Grows with each cut: of ten calls that were under way at once, ten refusals are one piece of news. */
  #cuts = 0;

  constructor(size: BucketSize, nowMs: number) {
    this.#burst = size.burst;
    this.#fullRate = size.perSecond;
    this.#rate = size.perSecond;
    this.#tokens = size.burst;
    this.#filledAtMs = nowMs;
  }

  /** cuts is how often the rate was cut. A call keeps the number of its start, for cut(). */
  get cuts(): number {
    return this.#cuts;
  }

  /** take takes a token if there is one. */
  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** giveBack returns the token of a call that was not made. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  /** waitMs is how long it takes until so many tokens will have come, at the rate of now. */
  waitMs(nowMs: number, tokens: number): number {
    this.#fill(nowMs);
    return (this.#hold?.left(nowMs) ?? 0) + (Math.max(0, tokens - this.#tokens) / this.#rate) * 1_000;
  }

  /** rate is how many calls a second go out at present. */
  rate(nowMs: number): number {
    this.#fill(nowMs);
    return this.#rate;
  }

  /** cut takes in that AWS refused a call which began when there had been so many `cuts`; a Retry-After of AWS' is kept. */
  cut(nowMs: number, cuts: number, retryAfterMs = 0): void {
    this.#fill(nowMs);
    // AWS' own bucket is empty, whatever was left in ours.
    this.#tokens = 0;
    if (retryAfterMs > (this.#hold?.left(nowMs) ?? 0)) this.#hold = new Wait(nowMs, Math.min(retryAfterMs, longestHoldMs));
    if (cuts !== this.#cuts) return;
    this.#cuts += 1;
    this.#rate = Math.max(this.#rate * cutTo, this.#fullRate * lowest);
  }

  #fill(nowMs: number): void {
    // A clock that was set back refills nothing, and time counts from there again.
    const seconds = Math.max(0, nowMs - this.#filledAtMs) / 1_000;
    this.#filledAtMs = nowMs;
    if (this.#hold?.isOver(nowMs) === false) return;
    const before = this.#rate;
    const regain = this.#fullRate * regainedPerSecond;
    const growing = Math.min(seconds, (this.#fullRate - before) / regain);
    this.#rate = growing < seconds ? this.#fullRate : before + growing * regain;
    const gained = (growing * (before + this.#rate)) / 2 + (seconds - growing) * this.#fullRate;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
  }
}
