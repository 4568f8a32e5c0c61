import type { JobsCaught } from "../../telemetry/jobs-caught.ts";
import { Gauge, type Registry } from "../../telemetry/metrics.ts";

/** BucketMetrics counts what the accounting had to do. Buckets are as many as targets, so the gauge is one number over all. */
export class BucketMetrics {
  readonly #caught: JobsCaught;
  readonly #starving: Gauge;
  readonly #starvingIn = new Map<string, number>();

  constructor(registry: Registry, caught: JobsCaught) {
    this.#caught = caught;
    this.#starving = new Gauge({
      name: "getabako_jobs_starved",
      help: "Queued jobs whose fast replacements were all taken by other jobs.",
      registers: [registry],
    });
  }

  /** replaced counts a replacement. */
  replaced(): void {
    this.#caught.caught("Replacement");
  }

  /** starving notes how many jobs of a bucket starve. */
  starving(bucket: string, jobs: number): void {
    if (jobs === 0) this.#starvingIn.delete(bucket);
    else this.#starvingIn.set(bucket, jobs);
    this.#starving.set([...this.#starvingIn.values()].reduce((sum, each) => sum + each, 0));
  }
}
