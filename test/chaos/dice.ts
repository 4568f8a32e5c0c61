import { Random } from "../sim/github/state/random.ts";

/** Dice is the chance of a script: the same seed and purpose give the same throws, on every machine and in every version of Node. */
export class Dice {
  readonly #random: Random;

  /** The purpose keeps the streams apart: one more throw for the jobs must not move the faults. */
  constructor(seed: number, purpose: string) {
    // FNV-1a over both: neighbouring seeds must not give neighbouring streams.
    let hash = 0x811c9dc5;
    for (const character of `${seed} ${purpose}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    this.#random = new Random(hash);
  }

  /** A number in [0, 1). */
  next(): number {
    return this.#random.next();
  }

  /** A whole number from min to max, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new RangeError("there is nothing to pick from");
    return item;
  }
}
