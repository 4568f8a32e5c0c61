/** bucketPeriods are the waiting times of the accounting, in milliseconds. */
export const bucketPeriods = {
  /** Events of a swap come one after the other: a job counts as left alone only after this long. */
  graceMs: 5_000,
  /** Between replacements of one job once the fast ones are used up, for as long as the job waits. */
  slowReplacementMs: 15 * 60_000,
  /** GitHub fails a job that waited 24 hours in the queue (GitHub docs, "Usage limits for self-hosted runners"). */
  jobLifetimeMs: 24 * 60 * 60_000,
};

export type BucketPeriods = typeof bucketPeriods;
