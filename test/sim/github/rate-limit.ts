import type { World } from "./state/world.ts";

/** buckets are the rate limit resources that the served operations are charged to. */
export const buckets = ["core", "actions_runner_registration"] as const;
export type Bucket = (typeof buckets)[number];

export interface Budget {
  limit: number;
  used: number;
  resetAt: number;
}

/** RateLimits counts requests per caller (an installation, or an App with its JWT) and bucket in fixed windows. */
export class RateLimits {
  readonly #world: World;
  readonly #budgets = new Map<string, Budget>();

  constructor(world: World) {
    this.#world = world;
  }

  budget(caller: string, bucket: Bucket): Budget {
    const key = `${caller} ${bucket}`;
    const now = this.#world.now();
    const { limits } = this.#world.settings;
    const known = this.#budgets.get(key);
    if (known && now < known.resetAt) return known;
    const fresh = { limit: limits[bucket], used: 0, resetAt: now + limits.windowMs };
    this.#budgets.set(key, fresh);
    return fresh;
  }

  /** Charges one request; false when nothing was left. */
  charge(caller: string, bucket: Bucket): boolean {
    const budget = this.budget(caller, bucket);
    if (budget.used >= budget.limit) return false;
    budget.used += 1;
    return true;
  }

  /** Uses up what is left of the window, as a busy neighbour would. */
  exhaust(caller: string, bucket: Bucket): void {
    const budget = this.budget(caller, bucket);
    budget.used = budget.limit;
  }

  /** A request that GitHub answers with 304 costs nothing. */
  refund(caller: string, bucket: Bucket): void {
    this.budget(caller, bucket).used -= 1;
  }

  headers(caller: string, bucket: Bucket): Record<string, string> {
    const budget = this.budget(caller, bucket);
    return {
      "x-ratelimit-limit": String(budget.limit),
      "x-ratelimit-remaining": String(Math.max(0, budget.limit - budget.used)),
      "x-ratelimit-used": String(budget.used),
      "x-ratelimit-reset": String(Math.ceil(budget.resetAt / 1000)),
      "x-ratelimit-resource": bucket,
    };
  }
}
