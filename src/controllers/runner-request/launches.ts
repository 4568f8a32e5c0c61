import type { JitRunner, RunnerRecord } from "../../github/types.ts";
import type { Created } from "../../provider/types.ts";

/** How long a minted configuration is handed to a provider; GitHub lets unused ones work for about an hour (seen, not documented). */
export const jitLifetimeMs = 30 * 60_000;

/** Held is what this process knows of an attempt beyond the stored status. */
export interface Held {
  readonly attempt: number;
  readonly mintedAtMs: number;
  readonly runner: RunnerRecord;
  /** The JIT configuration, a secret; it lives here and in the provider's call only. */
  readonly jitConfig: string;
  /** The provider was called, and what came of it is not known for certain. */
  called: boolean;
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

  /** lead notes when this process began to launch: requests older than that may have launches that it does not know of. */
  lead(sinceMs: number): void {
    this.#sinceMs = sinceMs;
  }

  /** get returns what is held for an attempt, unless its configuration is too old to be used. */
  get(uid: string, attempt: number, nowMs: number): Held | undefined {
    const held = this.#held.get(uid);
    if (held?.attempt !== attempt) return undefined;
    if (held.created === undefined && nowMs - held.mintedAtMs > jitLifetimeMs) {
      this.#held.delete(uid);
      return undefined;
    }
    return held;
  }

  /** hold keeps a fresh configuration for its attempt. */
  hold(uid: string, attempt: number, minted: JitRunner, nowMs: number): Held {
    const held: Held = {
      attempt,
      mintedAtMs: nowMs,
      runner: minted.runner,
      jitConfig: minted.jitConfig,
      called: false,
      created: undefined,
    };
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
