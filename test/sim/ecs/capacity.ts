import type { CapacityProviderStrategyItem, Failure } from "@aws-sdk/client-ecs";

/** noCapacity is what Fargate answers when it has none. */
export const noCapacity = "Capacity is unavailable at this time. Please try again later or in a different availability zone";

export interface Refusal {
  /** How many launches are refused; until release() if absent. */
  readonly times?: number;
  readonly reason?: string;
  readonly detail?: string;
  readonly arn?: string;
}

/** Capacity decides which provider of a strategy gets a task, and scripts the providers that have no room. */
export class Capacity {
  readonly #refusals = new Map<string, { left: number; readonly failure: Failure }>();
  readonly #limits = new Map<string, number>();
  readonly #held = new Set<string>();
  // Launches so far per strategy and provider, which make the choice follow the weights exactly instead of by chance.
  readonly #launches = new Map<string, number>();
  readonly #onRelease: (capacity: string) => void;

  constructor(onRelease: (capacity: string) => void) {
    this.#onRelease = onRelease;
  }

  /** Makes launches on a provider (or launch type) fail as `failures[]` in a 200. */
  refuse(capacity: string, { times = Number.POSITIVE_INFINITY, reason = noCapacity, detail, arn }: Refusal = {}): void {
    const failure = { reason, ...(detail === undefined ? {} : { detail }), ...(arn === undefined ? {} : { arn }) };
    this.#refusals.set(capacity, { left: times, failure });
  }

  /** Refuses launches while so many tasks of the provider live. */
  limit(capacity: string, maxLive: number): void {
    this.#limits.set(capacity, maxLive);
  }

  /** Lets tasks of the provider wait in PROVISIONING, as an Auto Scaling group does until an instance joins. */
  hold(capacity: string): void {
    this.#held.add(capacity);
  }

  /** Ends what refuse(), limit() and hold() began; without a name, everywhere. */
  release(capacity?: string): void {
    const names = capacity === undefined ? [...this.#held, ...this.#refusals.keys(), ...this.#limits.keys()] : [capacity];
    for (const name of new Set(names)) {
      this.#refusals.delete(name);
      this.#limits.delete(name);
      this.#held.delete(name);
      this.#onRelease(name);
    }
  }

  isHeld(capacity: string): boolean {
    return this.#held.has(capacity);
  }

  /** Asks for room for one more task; a failure is the answer that RunTask gives for it. */
  take(capacity: string, live: number): Failure | undefined {
    const refusal = this.#refusals.get(capacity);
    if (refusal !== undefined && refusal.left > 0) {
      refusal.left -= 1;
      return refusal.failure;
    }
    return live >= (this.#limits.get(capacity) ?? Number.POSITIVE_INFINITY) ? { reason: noCapacity } : undefined;
  }

  /** Picks the provider that is furthest behind its weight. Weights are a distribution: an item of weight 0 is never picked. */
  choose(cluster: string, strategy: readonly CapacityProviderStrategyItem[]): string {
    // A lone provider without a weight is simply used.
    const candidates =
      strategy.length === 1
        ? strategy.map((item) => ({ ...item, weight: 1 }))
        : strategy.filter((item) => (item.weight ?? 0) > 0);
    const key = (name: string): string => `${cluster}\n${JSON.stringify(strategy)}\n${name}`;
    const behind = (item: CapacityProviderStrategyItem): number =>
      ((this.#launches.get(key(item.capacityProvider ?? "")) ?? 0) + 1) / (item.weight ?? 1);
    const chosen = candidates.toSorted((a, b) => behind(a) - behind(b))[0]?.capacityProvider ?? "";
    this.#launches.set(key(chosen), (this.#launches.get(key(chosen)) ?? 0) + 1);
    return chosen;
  }
}
