import type { JitRunner, RunnerRecord } from "../../github/types.ts";
import type { ObjectKey } from "../../kube/object.ts";
import type { Created, Place } from "../../provider/types.ts";
import { Wait } from "../../util/wait.ts";
import type { RequestPeriods } from "./periods.ts";

/** Terms is where a launch goes and who registers it: what is needed to record it, or to remove it when the target is gone. */
export interface Terms {
  readonly scope: { organization?: string; repository?: string };
  readonly githubAppRef: ObjectKey;
  readonly place: Place;
}

/** Held is what this process knows of an attempt beyond the stored status. */
export interface Held {
  readonly attempt: number;
  /** Until its configuration is too old to be handed over. */
  readonly lifetime: Wait;
  terms: Terms;
  readonly runner: RunnerRecord;
  /** The JIT configuration, a secret; it lives here and in the provider's call only. */
  readonly jitConfig: string;
  /** The provider was called without an answer that settles what came of it: until its list is sure to show that. */
  called: Wait | undefined;
  /** The provider's answer, kept until it is stored: a conflict on the status must not cost another call. */
  created: Created | undefined;
}

/**
 * Launches remembers the attempt that each request is in the middle of, so that a repeated call is the same to the byte. It is a
 * cache: after a restart, GitHub's 409 and the provider's idempotency tell what had happened.
 */
export class Launches {
  readonly #held = new Map<string, Held>();
  /** At most one entry a request, and only for those whose name was taken. */
  readonly #missing = new Map<string, { readonly attempt: number; readonly lag: Wait }>();
  /** Requests that may have been launched by an earlier process; each leaves when it is recorded or gone. */
  readonly #inherited = new Set<string>();
  readonly #minting = new Set<string>();
  #sinceMs = Number.POSITIVE_INFINITY;
  readonly #periods: Pick<RequestPeriods, "jitLifetimeMs" | "listLagMs">;

  constructor(periods: Pick<RequestPeriods, "jitLifetimeMs" | "listLagMs">) {
    this.#periods = periods;
  }

  /**
   * lead notes when this process began to launch, and which requests were there: an earlier process may have launched for those, and
   * for no others. What it had seen in its last moments, this one has seen before it took over.
   */
  lead(sinceMs: number, uids: Iterable<string>): void {
    this.#sinceMs = sinceMs;
    for (const uid of uids) this.#inherited.add(uid);
  }

  /** When this process began to launch. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** minting notes that a registration is being asked for, whose answer is not there yet; the answer is called when it is. */
  minting(uid: string): () => void {
    this.#minting.add(uid);
    return () => this.#minting.delete(uid);
  }

  /** isUnderWay tells whether this process is between the registration and the storing of a launch. */
  isUnderWay(uid: string): boolean {
    return this.#minting.has(uid) || this.#held.has(uid);
  }

  /** of returns what is held for a request, whatever its age. */
  of(uid: string): Held | undefined {
    return this.#held.get(uid);
  }

  /** usable returns what is held for an attempt, unless its configuration is too old to be handed over. */
  usable(uid: string, attempt: number, nowMs: number): Held | undefined {
    const held = this.#held.get(uid);
    return held?.attempt === attempt && !held.lifetime.isOver(nowMs) ? held : undefined;
  }

  /** hold keeps a fresh configuration for its attempt. */
  hold(uid: string, attempt: number, terms: Terms, minted: JitRunner, nowMs: number): Held {
    const { runner, jitConfig } = minted;
    const lifetime = new Wait(nowMs, this.#periods.jitLifetimeMs);
    const held: Held = { attempt, lifetime, terms, runner, jitConfig, called: undefined, created: undefined };
    this.#held.set(uid, held);
    return held;
  }

  /**
   * mayShowUp tells whether the instance of an attempt whose runner's name was taken may still show up in the provider's list, from the
   * first time on that this process looked for it in vain.
   */
  mayShowUp(uid: string, attempt: number, nowMs: number): boolean {
    const known = this.#missing.get(uid);
    const lag = known?.attempt === attempt ? known.lag : new Wait(nowMs, this.#periods.listLagMs);
    this.#missing.set(uid, { attempt, lag });
    return !lag.isOver(nowMs);
  }

  /** forget drops what is held, once it is stored or the request is gone. */
  forget(uid: string): void {
    this.#missing.delete(uid);
    this.#inherited.delete(uid);
    this.#held.delete(uid);
  }

  /**
   * mayBeUnrecorded tells whether there may be an instance or a registration that the stored status does not mention: an earlier
   * process may have crashed between the provider's answer and the write, or this one does not know how its call ended.
   */
  mayBeUnrecorded(uid: string): boolean {
    return this.#held.has(uid) || this.#inherited.has(uid);
  }

  /** isInherited tells whether an earlier process may have launched for a request without storing that. */
  isInherited(uid: string): boolean {
    return this.#inherited.has(uid);
  }
}
