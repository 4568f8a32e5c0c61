import type { Logger } from "../telemetry/log.ts";
import { type Clock, systemClock } from "../util/clock.ts";
import { Deadline, sleep } from "./abort.ts";
import { isApiError } from "./api-error.ts";
import { type Client, ignoreNotFound } from "./client.ts";
import type { KubeMetrics } from "./metrics.ts";
import { deepFreeze, keyText, type ObjectKey } from "./object.ts";
import { apiVersionOf, type Lease } from "./resource.ts";

/** leasePeriods are client-go's defaults. */
export const leasePeriods = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** LeaseElectorOptions name the Lease and who wants it; the times are client-go's defaults. */
export interface LeaseElectorOptions {
  readonly client: Client<Lease>;
  readonly key: ObjectKey;
  /** Unique per process: "host_uuid". A process that finds its own identity takes its Lease back at once. */
  readonly identity: string;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  /** Stamps the Lease; time spans are measured with the monotonic clock. */
  readonly clock?: Clock;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
}

type Spec = NonNullable<Lease["spec"]>;

/**
 * LeaseElector makes one of several processes the leader, by a coordination.k8s.io Lease. Clocks of other machines are
 * not trusted: a holder counts as gone when its Lease was seen unchanged, here, for as long as it promised to renew it.
 * It cannot fence: between a frozen leader's wake-up and its deadline two may act, so writes must not lean on it.
 */
export class LeaseElector {
  /** Resolves with the reason once a Lease that was held is lost; never after release(). */
  readonly lost: Promise<Error>;
  readonly #options: LeaseElectorOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryPeriodMs: number;
  readonly #loss = Promise.withResolvers<Error>();
  readonly #stop = new AbortController();
  #renewing: Promise<void> | undefined;
  /** The Lease as last seen, and when its holder or renewal was last seen to change. */
  #seen: Lease | undefined;
  #seenAt = 0;
  #held = false;
  /** Nobody else takes the Lease before this moment of the monotonic clock, counted from before the request that renewed. */
  #validUntil = 0;

  constructor(options: LeaseElectorOptions) {
    this.#options = options;
    this.#log = options.log.child({ lease: keyText(options.key), identity: options.identity });
    this.#clock = options.clock ?? systemClock;
    this.#leaseDurationMs = options.leaseDurationMs ?? leasePeriods.leaseDurationMs;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? leasePeriods.renewDeadlineMs;
    this.#retryPeriodMs = options.retryPeriodMs ?? leasePeriods.retryPeriodMs;
    if (this.#leaseDurationMs <= this.#renewDeadlineMs || this.#renewDeadlineMs <= this.#retryPeriodMs) {
      throw new RangeError("a Lease needs leaseDurationMs > renewDeadlineMs > retryPeriodMs, or two may lead at a time");
    }
    this.lost = this.#loss.promise;
    options.metrics.leading(options.key.name, false);
  }

  /**
   * held is whether this process leads. Asked by the clock and not only by what the renewal last found: in a process that was frozen,
   * answers that had arrived are handled before the timer that notices the time.
   */
  get held(): boolean {
    return this.#held && performance.now() < this.#validUntil;
  }

  /** acquire waits for the Lease and then keeps renewing it; it resolves without the Lease only when the signal aborts. */
  async acquire(signal: AbortSignal): Promise<void> {
    this.#log.debug("waiting for the lease");
    while (!signal.aborted && !this.#stop.signal.aborted) {
      const startedAt = performance.now();
      try {
        if (await this.#take(signal)) {
          this.#held = true;
          this.#validUntil = startedAt + this.#leaseDurationMs;
          this.#options.metrics.leading(this.#options.key.name, true);
          this.#log.info("leading");
          this.#renewing = this.#renew(startedAt);
          return;
        }
      } catch (error) {
        if (signal.aborted) return;
        // A Conflict is another candidate who was faster.
        if (isApiError(error, "Conflict") || isApiError(error, "AlreadyExists")) this.#log.debug("another one was faster");
        else this.#log.warn({ err: error }, "cannot take the lease");
      }
      // Jitter, so that candidates who saw the same expiry do not all come at the same moment again and again.
      await sleep(this.#retryPeriodMs * (1 + 0.2 * Math.random()), signal);
    }
  }

  /** release gives the Lease up, so that a successor need not wait for it to run out; it never rejects. */
  async release(): Promise<void> {
    this.stop();
    // A renewal still under way ends with this; what it learnt last is in #seen then.
    await this.#renewing;
    if (!this.#held || this.#seen === undefined) return;
    this.#setHeld(false);
    try {
      await this.#giveUp(this.#seen).catch(async (error: unknown) => {
        // The last renewal may have been done although its answer did not arrive: the Lease is still ours, and newer.
        if (!isApiError(error, "Conflict")) throw error;
        const current = await this.#options.client.get(this.#options.key, { timeoutMs: 2_000 });
        if (current.spec?.holderIdentity === this.#options.identity) await this.#giveUp(current);
      });
      this.#log.info("released the lease");
    } catch (error) {
      this.#log.warn({ err: error }, "could not release the lease; it runs out by itself");
    }
  }

  async #giveUp(lease: Lease): Promise<void> {
    const now = this.#microTime();
    const spec: Spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    await this.#options.client.patchFields(deepFreeze(lease), { spec }, { timeoutMs: 2_000 });
  }

  /** stop ends the renewal and keeps the Lease, which then runs out by itself. */
  stop(): void {
    this.#stop.abort();
  }

  async #renew(heldSince: number): Promise<void> {
    const { signal } = this.#stop;
    // Counted from before the request that renewed: others count from later, when they see it. A timer and not a check
    // between requests, because a request may hang, and so may the event loop.
    const deadline = new Deadline(this.#renewDeadlineMs - (performance.now() - heldSince), signal);
    let why = "it could not be renewed in time";
    try {
      while (!deadline.signal.aborted) {
        if (!(await sleep(this.#retryPeriodMs, deadline.signal))) break;
        const startedAt = performance.now();
        try {
          if (!(await this.#take(deadline.signal))) {
            why = `${this.#seen?.spec?.holderIdentity ?? "nobody"} holds it`;
            break;
          }
          this.#validUntil = startedAt + this.#leaseDurationMs;
          deadline.extend(this.#renewDeadlineMs - (performance.now() - startedAt));
        } catch (error) {
          if (deadline.signal.aborted) break;
          this.#log.warn({ err: error }, "cannot renew the lease");
        }
      }
    } finally {
      deadline.dispose();
    }
    if (signal.aborted) return;
    this.#setHeld(false);
    this.#loss.resolve(new Error(`lost the Lease ${keyText(this.#options.key)}: ${why}`));
  }

  /** take gets or renews the Lease if it may; false means that somebody else holds it. */
  async #take(signal: AbortSignal): Promise<boolean> {
    const { client, key } = this.#options;
    // Behind a burst of slow writes the renewal would come too late, and the leader would end because it works.
    const call = { signal, timeoutMs: this.#renewDeadlineMs / 2, urgent: true };
    // While it is held, what the last renewal returned is the newest version, and a read would only cost a request.
    if (this.#held && this.#seen !== undefined) {
      try {
        this.#see(await client.patchFields(deepFreeze(this.#seen), { spec: this.#wanted(this.#seen) }, call));
        return true;
      } catch (error) {
        if (!isApiError(error, "Conflict") && !isApiError(error, "NotFound")) throw error;
        // Somebody touched or deleted it: look who holds it now.
      }
    }
    const current = await ignoreNotFound(client.get(key, call));
    if (current === undefined) {
      const metadata = { namespace: key.namespace, name: key.name };
      this.#see(
        await client.create(
          { apiVersion: apiVersionOf(client.resource), kind: client.resource.kind, metadata, spec: this.#wanted(undefined) },
          call,
        ),
      );
      return true;
    }
    this.#see(current);
    if (!this.#mayTake(current)) return false;
    this.#see(await client.patchFields(deepFreeze(current), { spec: this.#wanted(current) }, call));
    return true;
  }

  #mayTake(lease: Lease): boolean {
    const holder = lease.spec?.holderIdentity ?? "";
    if (holder === "" || holder === this.#options.identity) return true;
    const promisedMs = (lease.spec?.leaseDurationSeconds ?? this.#leaseDurationMs / 1_000) * 1_000;
    return !this.#held && performance.now() - this.#seenAt > promisedMs;
  }

  #wanted(current: Lease | undefined): Spec {
    const now = this.#microTime();
    const mine = current?.spec?.holderIdentity === this.#options.identity;
    const transitions = current?.spec?.leaseTransitions ?? 0;
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1_000),
      acquireTime: mine ? (current.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: current === undefined || mine ? transitions : transitions + 1,
    };
  }

  #see(lease: Lease): void {
    const { holderIdentity, renewTime } = this.#seen?.spec ?? {};
    if (this.#seen === undefined || holderIdentity !== lease.spec?.holderIdentity || renewTime !== lease.spec?.renewTime) {
      this.#seenAt = performance.now();
    }
    this.#seen = lease;
  }

  #setHeld(held: boolean): void {
    this.#held = held;
    this.#options.metrics.leading(this.#options.key.name, held);
  }

  /** metav1.MicroTime: six digits, of which the clock knows three. */
  #microTime(): string {
    return new Date(this.#clock.now()).toISOString().replace("Z", "000Z");
  }
}
