/**
 * Sparingly decides what is said of things that strangers can cause at any rate: of each kind once in a while, together with how many
 * were passed over in between. Kinds come from closed lists, so it stays small.
 */
export class Sparingly<Kind extends string> {
  readonly #everyMs: number;
  readonly #now: () => number;
  readonly #said = new Map<Kind, { at: number; passedOver: number }>();

  constructor(everyMs: number, now: () => number = () => performance.now()) {
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /** due is undefined where this one is passed over, and otherwise how many were since the last that was not. */
  due(kind: Kind): number | undefined {
    const now = this.#now();
    const last = this.#said.get(kind);
    if (last !== undefined && now - last.at < this.#everyMs) {
      last.passedOver += 1;
      return undefined;
    }
    this.#said.set(kind, { at: now, passedOver: 0 });
    return last?.passedOver ?? 0;
  }
}
