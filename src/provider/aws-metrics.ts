import { Counter, Gauge, Histogram, type Registry } from "../telemetry/metrics.ts";
import { type ProviderCallCode, providerCallCodes } from "./instrumented.ts";

/** BucketRate is how many calls a second one of AWS' buckets gets at present. */
export interface BucketRate {
  readonly bucket: string;
  readonly region: string;
  readonly perSecond: number;
}

/** AwsCallRecorder is told of single calls to AWS by the provider that makes them; operations and buckets are closed lists of its own. */
export interface AwsCallRecorder {
  /** Says which operations and buckets there are. */
  zero(operations: readonly string[], buckets: readonly string[]): void;
  /** A call was made. */
  called(operation: string, code: ProviderCallCode): void;
  /** AWS refused a call with ThrottlingException. */
  throttled(operation: string): void;
  /** A call was not made, because its turn in the bucket is too far away. */
  turnedAway(bucket: string): void;
  /** A call got its token, so long after it had first asked for it. */
  waited(bucket: string, seconds: number): void;
  /** Says where the present rates are read. */
  followRates(read: () => Iterable<BucketRate>): void;
}

/**
 * AwsMetrics counts single calls to AWS, below the methods of the provider: what the account's throttles see. Regions are
 * those of the classes; the provider keeps budgets for 64 at most.
 */
export class AwsMetrics implements AwsCallRecorder {
  readonly #calls: Counter<"operation" | "code">;
  readonly #throttled: Counter<"operation">;
  readonly #turnedAway: Counter<"bucket">;
  readonly #wait: Histogram<"bucket">;
  #rates: () => Iterable<BucketRate> = () => [];

  constructor(registry: Registry) {
    const registers = [registry];
    this.#calls = new Counter({
      name: "getabako_aws_calls_total",
      help: "Calls to AWS by operation and outcome, repetitions of lost ones included.",
      labelNames: ["operation", "code"],
      registers,
    });
    this.#throttled = new Counter({
      name: "getabako_aws_throttled_total",
      help: "Calls that AWS refused with ThrottlingException.",
      labelNames: ["operation"],
      registers,
    });
    this.#turnedAway = new Counter({
      name: "getabako_aws_budget_turned_away_total",
      help: "Calls that were not made because their turn in the bucket was too far away; each is made later.",
      labelNames: ["bucket"],
      registers,
    });
    this.#wait = new Histogram({
      name: "getabako_aws_budget_wait_seconds",
      help: "Time from a call's first asking for a token of the bucket until it had it.",
      labelNames: ["bucket"],
      buckets: [0.05, 0.25, 1, 2.5, 5, 10, 20, 30, 60, 120, 300],
      registers,
    });
    const rates = new Gauge({
      name: "getabako_aws_budget_rate",
      help: "Calls a second that the bucket gives out at present, of the slowest account in the Region; less than usual after throttling.",
      labelNames: ["bucket", "region"],
      registers,
      // Read when asked: a rate that was cut grows back without anybody calling.
      collect: () => {
        rates.reset();
        const slowest = new Map<string, BucketRate>();
        for (const rate of this.#rates()) {
          const key = `${rate.bucket} ${rate.region}`;
          if (rate.perSecond < (slowest.get(key)?.perSecond ?? Number.POSITIVE_INFINITY)) slowest.set(key, rate);
        }
        for (const { bucket, region, perSecond } of slowest.values()) rates.set({ bucket, region }, perSecond);
      },
    });
  }

  /** zero makes every series exist, so that a graph never says "no data". */
  zero(operations: readonly string[], buckets: readonly string[]): void {
    for (const operation of operations) {
      for (const code of providerCallCodes) this.#calls.inc({ operation, code }, 0);
      this.#throttled.inc({ operation }, 0);
    }
    for (const bucket of buckets) {
      this.#turnedAway.inc({ bucket }, 0);
      this.#wait.zero({ bucket });
    }
  }

  called(operation: string, code: ProviderCallCode): void {
    this.#calls.inc({ operation, code });
  }

  throttled(operation: string): void {
    this.#throttled.inc({ operation });
  }

  turnedAway(bucket: string): void {
    this.#turnedAway.inc({ bucket });
  }

  waited(bucket: string, seconds: number): void {
    this.#wait.observe({ bucket }, seconds);
  }

  followRates(read: () => Iterable<BucketRate>): void {
    this.#rates = read;
  }
}
