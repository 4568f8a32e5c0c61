/** registrationSweepPeriods is every time that the registration sweep knows. */
export const registrationSweepPeriods = {
  /** Every scope is listed this often: leftovers at GitHub cost nothing but their place in a list, and a list is a call per 100 runners. */
  everyMs: 300_000,
  /** A scope that was never listed by this leader holds its targets' contended grants back, so it is tried again soon. */
  firstRetryMs: 5_000,
  longestRetryMs: 300_000,
  /** What shall be removed, or counts as lost, must have looked so for this long, in more than one list. */
  settleMs: 150_000,
} as const satisfies Readonly<Record<string, number>>;

export type RegistrationSweepPeriods = { readonly [Name in keyof typeof registrationSweepPeriods]: number };
