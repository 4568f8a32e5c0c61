import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import type { TokenBucket } from "./token-bucket.ts";

/** Who is sent away comes back so much early: then somebody is always there when a token comes, and none is idle. */
const earlyMs = 500;
/** A caller who is later than this loses the place: its job may have been cancelled meanwhile. */
const graceMs = 5_000;
/** More places than this are not kept: that is four minutes of launches. Whoever comes then is told to come back, and has none. */
const maxExpected = 5_000;

/** Ticket is a call's place in the order of a line; lower is earlier. */
export interface Ticket {
  readonly number: number;
  /** When the call asked first, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** Claim is what a line can promise to a call. */
export interface Claim {
  readonly ticket: Ticket;
  /** How long it will probably take until the call's token is there. */
  readonly waitMs: number;
}

/** OutOfPatience is thrown when the token of a call that waited did not come in time. */
export class OutOfPatience extends Error {
  override readonly name = "OutOfPatience";
}

interface Waiter {
  readonly ticket: Ticket;
  readonly patience: Wait;
  readonly grant: () => void;
  readonly turnAway: () => void;
}

interface Expected {
  readonly ticket: Ticket;
  readonly due: Wait;
  readonly gone: Wait;
}

/**
 * CallLine hands the tokens of a bucket out in the order in which calls asked first. A call whose token is near waits in the line. One
 * whose token is far is sent away with a time to come back, and keeps its place: so a crowd is spread over the time that it needs,
 * comes neither at once nor late, and nobody who comes new goes before it.
 *
 * A token is never kept for somebody who is not there: bookings say when to come and who goes first, the bucket alone says how many.
 */
export class CallLine {
  readonly #clock: Clock;
  readonly bucket: TokenBucket;
  #nextNumber = 0;
  /** By ticket, lowest first; all of them have callers behind them that hold a worker. */
  readonly #waiting: Waiter[] = [];
  /** Who was sent away, by the call's identity; at most maxExpected. */
  readonly #expected = new Map<string, Expected>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bucket: TokenBucket, clock: Clock) {
    this.bucket = bucket;
    this.#clock = clock;
  }

  /** claim says where a call would stand: at its old place if it was sent away before, else behind everybody. */
  claim(identity: string): Claim {
    const nowMs = this.#clock.now();
    for (const [key, { gone }] of this.#expected) if (gone.isOver(nowMs)) this.#expected.delete(key);
    const ticket = this.#expected.get(identity)?.ticket ?? { number: this.#nextNumber++, sinceMs: nowMs };
    this.#expected.delete(identity);
    return { ticket, waitMs: this.estimateMs(ticket) };
  }

  /**
   * join waits for the token of a call.
   * @throws OutOfPatience when it does not come in time, or the signal's reason.
   */
  join(ticket: Ticket, patience: Wait, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener("abort", abort);
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
      const abort = (): void => {
        leave();
        reject(signal.reason as Error);
        this.#serve();
      };
      const waiter: Waiter = {
        ticket,
        patience,
        grant: () => {
          leave();
          resolve();
        },
        turnAway: () => {
          leave();
          reject(new OutOfPatience("the token did not come in time"));
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      const behind = this.#waiting.findIndex((other) => other.ticket.number > ticket.number);
      this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, waiter);
      this.#serve();
    });
  }

  /** sendAway keeps a call's place until its turn in `waitMs`, and returns after how many milliseconds the caller should come back. */
  sendAway(identity: string, ticket: Ticket, waitMs: number): number {
    const nowMs = this.#clock.now();
    const againMs = Math.ceil(Math.max(waitMs - earlyMs, 100));
    // All who come without a place would come at the same time otherwise.
    if (this.#expected.size >= maxExpected) return Math.ceil(againMs * (1 + Math.random() / 2));
    this.#expected.set(identity, { ticket, due: new Wait(nowMs, waitMs), gone: new Wait(nowMs, waitMs + graceMs) });
    return againMs;
  }

  /** giveBack returns the token of a call that was not made. */
  giveBack(): void {
    this.bucket.giveBack();
    this.#serve();
  }

  /** cut takes in that AWS refused a call; see TokenBucket. */
  cut(cuts: number, retryAfterMs?: number): void {
    this.bucket.cut(this.#clock.now(), cuts, retryAfterMs);
    this.#serve();
  }

  /** close sends all who wait away and leaves no timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const waiter of [...this.#waiting]) waiter.turnAway();
    this.#expected.clear();
  }

  /**
   * estimateMs is how long it will take until a ticket's token is there. Before it go those with lower tickets: who waits, and who was
   * sent away as far as they are due until then. A booking that is due later holds nobody up: its call is limited by another line.
   */
  estimateMs(ticket: Ticket): number {
    const nowMs = this.#clock.now();
    // Nobody is in the way of a token that is there: it would only grow old.
    if (this.#waiting.length === 0 && this.bucket.waitMs(nowMs, 1) === 0) return 0;
    const isBefore = (other: { readonly ticket: Ticket }): boolean => other.ticket.number < ticket.number;
    let before = this.#waiting.filter(isBefore).length;
    const dues = [...this.#expected.values()].filter(isBefore).map(({ due }) => due.left(nowMs));
    let waitMs = this.bucket.waitMs(nowMs, before + 1);
    // Bookings follow each other at exactly the rate: one that is due a moment after the call's own turn is the next in the row.
    const nextMs = 1_000 / this.bucket.rate(nowMs);
    for (const dueMs of dues.toSorted((a, b) => a - b)) {
      if (dueMs > waitMs + nextMs) break;
      before += 1;
      waitMs = this.bucket.waitMs(nowMs, before + 1);
    }
    return waitMs;
  }

  /** Gives out what there is, sends away who waited too long, and comes back for the next token. */
  #serve(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (let first = this.#waiting[0]; first !== undefined && this.bucket.take(nowMs); first = this.#waiting[0]) first.grant();
    for (const waiter of this.#waiting.filter(({ patience }) => patience.isOver(nowMs))) waiter.turnAway();
    if (this.#waiting.length === 0) return;
    const soonest = Math.min(...this.#waiting.map(({ patience }) => patience.left(nowMs)));
    this.#timer = setTimeout(() => this.#serve(), Math.ceil(Math.max(1, Math.min(this.bucket.waitMs(nowMs, 1), soonest))));
  }
}
