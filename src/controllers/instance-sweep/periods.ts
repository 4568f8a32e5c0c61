/** instanceSweepPeriods is every time that the instance sweep knows. */
export const instanceSweepPeriods = {
  /** Every class is listed this often: an instance that nobody wants costs money by the second, a list is two calls per 100 instances. */
  everyMs: 120_000,
  /** A class that was never listed by this leader holds its target's contended grants back, so it is tried again soon. */
  firstRetryMs: 5_000,
  longestRetryMs: 120_000,
  /** The local copy of the requests may be behind; by this age it is not. The API server is asked all the same. */
  graceMs: 300_000,
  /** Lists and the local copy lag in either direction: what shall be removed must have looked so for this long, in more than one list. */
  settleMs: 60_000,
  /**
   * When nobody can be asked about its runner, an instance may run a job for as long as GitHub lets one run on a self-hosted runner:
   * five days (GitHub docs, "Usage limits for self-hosted runners"). timeouts.job says less, but the target that has it may be gone.
   */
  blindMs: 5 * 24 * 3_600_000,
} as const satisfies Readonly<Record<string, number>>;

export type InstanceSweepPeriods = { readonly [Name in keyof typeof instanceSweepPeriods]: number };
