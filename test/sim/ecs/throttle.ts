import { ApiError } from "./api-error.ts";
import type { SimClock } from "./state/account.ts";

interface Size {
  readonly burst: number;
  readonly perSecond: number;
}

/** documented are the buckets of an account (burst, then refill a second); launches on Fargate need a token of three of them. */
export const documented = {
  clusterResourceModify: { burst: 100, perSecond: 40 },
  clusterResourceRead: { burst: 100, perSecond: 20 },
  taskDefinitionModify: { burst: 20, perSecond: 1 },
  taskDefinitionRead: { burst: 50, perSecond: 20 },
  clusterRead: { burst: 50, perSecond: 20 },
  tagModify: { burst: 20, perSecond: 10 },
  fargateRunTask: { burst: 20, perSecond: 20 },
  fargateOnDemandLaunch: { burst: 100, perSecond: 20 },
  fargateSpotLaunch: { burst: 100, perSecond: 20 },
} as const satisfies Record<string, Size>;

/** BucketName names one of the token buckets that AWS documents. */
export type BucketName = keyof typeof documented;

const bucketOf: Readonly<Record<string, BucketName>> = {
  RunTask: "clusterResourceModify",
  StopTask: "clusterResourceModify",
  DescribeTasks: "clusterResourceRead",
  ListTasks: "clusterResourceRead",
  RegisterTaskDefinition: "taskDefinitionModify",
  DeregisterTaskDefinition: "taskDefinitionModify",
  DescribeTaskDefinition: "taskDefinitionRead",
  ListTaskDefinitions: "taskDefinitionRead",
  DescribeClusters: "clusterRead",
  DescribeCapacityProviders: "clusterRead",
  ListTagsForResource: "clusterRead",
  TagResource: "tagModify",
  UntagResource: "tagModify",
};

/** Throttle holds AWS' documented token buckets; it lets everything pass until it is enabled. */
export class Throttle {
  readonly #clock: SimClock;
  readonly #levels = new Map<BucketName, { tokens: number; at: number }>();
  readonly #refused = new Map<BucketName, number>();
  enabled: boolean;

  constructor(clock: SimClock, enabled: boolean) {
    this.#clock = clock;
    this.enabled = enabled;
  }

  /** Takes a token for a call, or refuses it. */
  call(operation: string): void {
    const bucket = bucketOf[operation];
    if (bucket !== undefined) {
      this.take(bucket);
    }
  }

  take(bucket: BucketName): void {
    if (!this.enabled) {
      return;
    }
    const { burst, perSecond } = documented[bucket];
    const now = this.#clock.now();
    const level = this.#levels.get(bucket) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, level.tokens + ((now - level.at) / 1000) * perSecond);
    if (tokens < 1) {
      this.#levels.set(bucket, { tokens, at: now });
      this.#refused.set(bucket, (this.#refused.get(bucket) ?? 0) + 1);
      throw new ApiError("ThrottlingException", "Rate exceeded");
    }
    this.#levels.set(bucket, { tokens: tokens - 1, at: now });
  }

  /** How many calls each bucket refused; those that refused none are left out. */
  refused(): Partial<Record<BucketName, number>> {
    return Object.fromEntries(this.#refused);
  }

  clear(): void {
    this.#refused.clear();
    this.#levels.clear();
  }
}
