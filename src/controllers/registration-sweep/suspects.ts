import type { Clock } from "../../util/clock.ts";
import { Wait } from "../../util/wait.ts";
import type { Finds } from "./finds.ts";

/** Suspect is what is known of a runner that did not fit when its scope was listed. */
export interface Suspect {
  /** It must look so for as long before anything is done about it. */
  readonly settle: Wait;
  /** How often something was tried: those that wait longest come first, so that one that always fails holds nobody up. */
  tries: number;
}

/** Ripe is what of a list is worth a call: each with what is known of it. */
export type Ripe = {
  readonly [What in "unrecorded" | "unwanted" | "lost"]: readonly (Finds[What][number] & { readonly suspect: Suspect })[];
};

/** Suspects remembers, scope by scope, what did not fit in the newest list, and since when; bounded by the lists and the requests. */
export class Suspects {
  readonly #scopes = new Map<string, Map<string, Suspect>>();
  readonly #clock: Clock;
  readonly #settleMs: number;

  constructor(clock: Clock, settleMs: number) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** remember replaces what is known of a scope, and picks what has looked the same for long enough, in the order of their turns. */
  remember(scope: string, { unrecorded, unwanted, lost }: Finds): Ripe {
    const nowMs = this.#clock.now();
    const before = this.#scopes.get(scope);
    const now = new Map<string, Suspect>();
    this.#scopes.set(scope, now);
    const ripe = <Find>(finds: readonly Find[], what: string, idOf: (find: Find) => number): (Find & { suspect: Suspect })[] =>
      finds
        .map((find) => {
          const name = `${what} ${idOf(find)}`;
          const suspect = now.get(name) ?? before?.get(name) ?? { settle: new Wait(nowMs, this.#settleMs), tries: 0 };
          now.set(name, suspect);
          return { ...find, suspect };
        })
        .filter(({ suspect }) => suspect.settle.isOver(nowMs))
        .toSorted((a, b) => a.suspect.tries - b.suspect.tries);
    return {
      unrecorded: ripe(unrecorded, "unrecorded", ({ runner }) => runner.id),
      unwanted: ripe(unwanted, "unwanted", ({ runner }) => runner.id),
      lost: ripe(lost, "lost", ({ id }) => id),
    };
  }

  /** keepPlaces forgets the scopes that are gone. */
  keepPlaces(present: ReadonlySet<string>): void {
    for (const scope of this.#scopes.keys()) if (!present.has(scope)) this.#scopes.delete(scope);
  }
}
