import { ApiError } from "./api-error.ts";
import type { SimClock } from "./state/account.ts";

interface Size {
  readonly burst: number;
  readonly perSecond: number;
}

const buckets = {
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
export type BucketName = keyof typeof buckets;

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
    const { burst, perSecond } = buckets[bucket];
    const now = this.#clock.now();
    const level = this.#levels.get(bucket) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, level.tokens + ((now - level.at) / 1000) * perSecond);
    if (tokens < 1) {
      this.#levels.set(bucket, { tokens, at: now });
      throw new ApiError("ThrottlingException", "Rate exceeded");
    }
    this.#levels.set(bucket, { tokens: tokens - 1, at: now });
  }

  clear(): void {
    this.#levels.clear();
  }
}
