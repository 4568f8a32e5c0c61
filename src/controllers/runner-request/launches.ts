import type { JitRunner, RunnerRecord } from "../../github/types.ts";
import type { ObjectKey } from "../../kube/object.ts";
import type { Created, Place } from "../../provider/types.ts";
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
  readonly mintedAtMs: number;
  readonly terms: Terms;
  readonly runner: RunnerRecord;
  /** The JIT configuration, a secret; it lives here and in the provider's call only. */
  readonly jitConfig: string;
  /** When the provider was called last without an answer that settles what came of it. */
  calledAtMs: number | undefined;
  /** The provider's answer, kept until it is stored: a conflict on the status must not cost another call. */
  created: Created | undefined;
}

/**
 * Launches remembers the attempt that each request is in the middle of, so that a repeated call is the same to the byte. It is a
 * cache: after a restart, GitHub's 409 and the provider's idempotency tell what had happened.
 */
export class Launches {
  readonly #held = new Map<string, Held>();
  #sinceMs = Number.POSITIVE_INFINITY;
  readonly #jitLifetimeMs: number;

  constructor({ jitLifetimeMs }: Pick<RequestPeriods, "jitLifetimeMs">) {
    this.#jitLifetimeMs = jitLifetimeMs;
  }

  /** lead notes when this process began to launch: requests older than that may have launches that it does not know of. */
  lead(sinceMs: number): void {
    this.#sinceMs = sinceMs;
  }

  /** of returns what is held for a request, whatever its age. */
  of(uid: string): Held | undefined {
    return this.#held.get(uid);
  }

  /** usable returns what is held for an attempt, unless its configuration is too old to be handed over. */
  usable(uid: string, attempt: number, nowMs: number): Held | undefined {
    const held = this.#held.get(uid);
    return held?.attempt === attempt && nowMs - held.mintedAtMs <= this.#jitLifetimeMs ? held : undefined;
  }

  /** hold keeps a fresh configuration for its attempt. */
  hold(uid: string, attempt: number, terms: Terms, minted: JitRunner, nowMs: number): Held {
    const { runner, jitConfig } = minted;
    const held: Held = { attempt, mintedAtMs: nowMs, terms, runner, jitConfig, calledAtMs: undefined, created: undefined };
    this.#held.set(uid, held);
    return held;
  }

  /** forget drops what is held, once it is stored or the request is gone. */
  forget(uid: string): void {
    this.#held.delete(uid);
  }

  /**
   * mayBeUnrecorded tells whether there may be an instance or a registration that the stored status does not mention: an earlier
   * process may have crashed between the provider's answer and the write, or this one does not know how its call ended.
   */
  mayBeUnrecorded(uid: string, createdAt: string | undefined): boolean {
    if (this.#held.has(uid)) return true;
    // Timestamps of the API server have whole seconds.
    return createdAt === undefined || Date.parse(createdAt) < this.#sinceMs + 1_000;
  }
}
