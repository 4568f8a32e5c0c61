import type { Random } from "./state/random.ts";

/** faultKinds is everything that an answer can suffer. */
export const faultKinds = ["status", "retry-after", "reset", "hang", "slow-body", "lost-answer", "delay", "hold"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Fault describes which requests suffer, and how. */
export interface Fault {
  readonly kind: FaultKind;
  readonly method?: string;
  /** A regular expression over the path without its query. */
  readonly path?: string | RegExp;
  /** How many requests suffer; 1 by default, Infinity for all. */
  readonly times?: number;
  /** So many matching requests pass unharmed first. */
  readonly skip?: number;
  /** Between 0 and 1, drawn from the simulator's seed. */
  readonly probability?: number;
  /** status: what is answered; retry-after: 403 or 429 (429 by default). */
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** retry-after: seconds; absent for the limit without a hint. */
  readonly retryAfterSeconds?: number;
  /** delay: before the answer; slow-body: between its two halves. */
  readonly ms?: number;
  /** status, reset, hang, hold: "after" lets GitHub act first, so only the answer is hurt. */
  readonly when?: "before" | "after";
}

/** FaultHandle is one planted fault: how often it struck, and the way to lift it. */
export interface FaultHandle {
  readonly id: number;
  readonly fault: Fault;
  readonly hits: number;
  /** Lifts the fault and lets go whatever it holds. */
  remove(): void;
  /** hold: lets the requests that wait now go on; later ones are held again while `times` lasts. */
  release(): void;
  /** Resolves when the fault has struck so often. */
  struck(times?: number): Promise<void>;
}

/** Hit is a fault that strikes one request, with the way to wait while it holds. */
export interface Hit {
  readonly fault: Fault;
  hold(): Promise<void>;
}

class Planted implements FaultHandle {
  readonly id: number;
  readonly fault: Fault;
  readonly pattern: RegExp | undefined;
  hits = 0;
  seen = 0;
  lifted = false;
  readonly #watchers = new Set<{ readonly times: number; readonly resolve: () => void }>();
  #held: (() => void)[] = [];

  constructor(id: number, fault: Fault) {
    this.id = id;
    this.fault = fault;
    this.pattern = fault.path === undefined ? undefined : new RegExp(fault.path);
  }

  strike(): void {
    this.hits += 1;
    for (const watcher of this.#watchers) {
      if (this.hits < watcher.times) continue;
      this.#watchers.delete(watcher);
      watcher.resolve();
    }
  }

  struck(times = 1): Promise<void> {
    if (this.hits >= times) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.add({ times, resolve }));
  }

  hold(): Promise<void> {
    if (this.lifted) return Promise.resolve();
    return new Promise((resolve) => this.#held.push(resolve));
  }

  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const resume of held) resume();
  }

  remove(): void {
    this.lifted = true;
    this.release();
  }
}

/** Faults decides for each request whether it suffers. The first planted fault that matches wins. */
export class Faults {
  readonly #random: Random;
  #planted: Planted[] = [];
  #nextId = 1;

  constructor(random: Random) {
    this.#random = random;
  }

  add(fault: Fault): FaultHandle {
    const planted = new Planted(this.#nextId, fault);
    this.#nextId += 1;
    this.#planted.push(planted);
    return planted;
  }

  list(): readonly FaultHandle[] {
    return this.#planted.filter((planted) => !planted.lifted);
  }

  clear(): void {
    for (const planted of this.#planted) planted.remove();
    this.#planted = [];
  }

  /** The fault that this request suffers, counted as struck. */
  pick(method: string, path: string): Hit | undefined {
    for (const planted of this.#planted) {
      const { fault } = planted;
      if (planted.lifted || planted.hits >= (fault.times ?? 1)) continue;
      if (fault.method !== undefined && fault.method.toUpperCase() !== method) continue;
      if (planted.pattern && !planted.pattern.test(path)) continue;
      planted.seen += 1;
      if (planted.seen <= (fault.skip ?? 0)) continue;
      if (fault.probability !== undefined && this.#random.next() >= fault.probability) continue;
      planted.strike();
      return { fault, hold: () => planted.hold() };
    }
    return undefined;
  }
}
