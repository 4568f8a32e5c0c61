/** Bounds that are not from the design but from what was seen of healthy runs, with room. */
export const bounds = {
  /** What is left in a heap at rest, in MiB, with some hundred finished requests in the store; an idle process has about 30. */
  liveHeapMiB: 70,
  /** Calls to a GitHub that answers nothing: two processes ask for tokens, lists and readiness ... */
  outageCalls: 80,
  /** ... and for each request that waits, a few times at growing distances: 108 seconds of production have room for 7. */
  outageCallsPerRequest: 7,
  /** Until the operator has heard that a limit was lowered, a launch that it has begun may end under the old one. */
  loweringMs: 8_000,
  /** Runners that got no job although nothing hit them, as a part of the covered jobs: late events make some needless ones. */
  needlessRunners: 1 / 6,
  /** Times in a status are whole seconds, so a deadline may be reached so much early. */
  timeoutSlackMs: 1_000,
} as const;
