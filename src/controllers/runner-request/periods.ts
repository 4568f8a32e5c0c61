/**
 * RequestPeriods are the waiting times of a request's life that nobody sets by an object: all in one place, in milliseconds, so that
 * `--time-divisor` can shorten them together. What people set (timeouts, history) is in the RunnerTarget.
 */
export interface RequestPeriods extends Readonly<Record<string, number>> {
  /** After an attempt that ended without a job: so long, then twice as long each time ... */
  readonly attemptBackoffMs: number;
  /** ... up to this. */
  readonly longestAttemptBackoffMs: number;
  /** Between attempts once the fast ones are used up. */
  readonly slowAttemptMs: number;
  /** GitHub fails a job that waited 24 hours in the queue (GitHub docs, "Usage limits for self-hosted runners"). */
  readonly jobLifetimeMs: number;
  /** After every rung of the ladder refused for want of capacity: so long, then twice as long each time ... */
  readonly capacityRetryMs: number;
  /** ... up to this. */
  readonly longestCapacityRetryMs: number;
  /** After a refusal that people have to mend (rights, a missing cluster): so long, then twice as long each time ... */
  readonly refusalRetryMs: number;
  /** ... up to this. */
  readonly longestRefusalRetryMs: number;
  /** After a failure of unknown cause at GitHub or the provider: so long, then twice as long each time ... */
  readonly failurePauseMs: number;
  /** ... up to this. */
  readonly longestFailurePauseMs: number;
  /** When GitHub refuses for a reason that people have to mend. */
  readonly githubRefusedPauseMs: number;
  /** While the App has no usable client; a change of the App wakes the request earlier. */
  readonly noAppPauseMs: number;
  /** How long a minted configuration is handed to a provider; GitHub lets unused ones work for about an hour (seen, not documented). */
  readonly jitLifetimeMs: number;
  /** A job that waits longer than this is read at GitHub before its first launch: its event may have been resent days later. */
  readonly trustEventMs: number;
  /** How often an instance is looked for whose runner is known to work. */
  readonly seekEveryMs: number;
  /** How often a request that waits on behalf of another job looks whether that one is still there. */
  readonly stillNeededMs: number;
  /** A request whose target is gone, or covers its job no more, waits so long for it to come back; then the job is matched anew. */
  readonly uncoveredGraceMs: number;
  /** How often a request that waits for a slot tells anew how many are ahead of it. */
  readonly queuePlaceMs: number;
  /** A runner that is not needed any more stays this long: another job of its bucket may come. */
  readonly surplusGraceMs: number;
  /** A runner ends within seconds of its job; one that does not is stopped. */
  readonly lingerMs: number;
  /** How long GitHub calls a runner busy after its process died: 10 to 15 minutes (seen); asked again at this pace. */
  readonly busyPauseMs: number;
  /** When GitHub could not be asked to remove a registration for a passing reason. */
  readonly deregisterRetryMs: number;
  /** How often a stop is asked for again while an instance does not end. */
  readonly stopAgainMs: number;
  /** When a stop could not be asked for. */
  readonly stopRetryMs: number;
  /** The runner's process ends seconds before GitHub's event of the job's end arrives; GitHub is asked when it is late. */
  readonly lateEventMs: number;
  /** A job that GitHub still calls running so long after its runner's end is lost. */
  readonly lostAfterMs: number;
  /** After this long without an answer of GitHub's about its job, an ended runner counts as lost. */
  readonly giveUpAskingMs: number;
  /** ECS documents eventual consistency of its reads and advises to wait for up to five minutes (Amazon ECS API reference, RunTask). */
  readonly consistencyMs: number;
  /** Events of a swap come one after the other: a job that somebody took is looked at again after this long before its request ends. */
  readonly settleMs: number;
  /** How long an instance may be missing in its provider's list (seen at ECS: seconds). */
  readonly listLagMs: number;
  /** How often leftovers of an unrecorded launch are looked for. */
  readonly leftoversEveryMs: number;
  /** How soon a process looks at an instance for the first time, gathered into few calls. */
  readonly firstLookMs: number;
  /** How often an instance is read that was launched a moment ago ... */
  readonly pollYoungMs: number;
  /** ... for this long ... */
  readonly youngMs: number;
  /** ... and that still does not run after that. */
  readonly pollStartingMs: number;
  /** How often an instance is read whose runner is online. */
  readonly pollIdleMs: number;
  /** How often an instance is read whose runner has a job. */
  readonly pollBusyMs: number;
  /** How often an instance is read that is on its way out ... */
  readonly pollEndingMs: number;
  /** ... for this long after its job ... */
  readonly endingMs: number;
  /** ... and that lingers after that. */
  readonly pollLingeringMs: number;
  /** How often an instance is read whose changes are told: for what was lost on the way ... */
  readonly pollFedMs: number;
  /** ... and when its end should have been told long ago. */
  readonly pollFedEndingMs: number;
  /** Instances due within this time are read along with one that is due now: fewer, fuller calls. */
  readonly gatherMs: number;
  /** The same where changes are told. */
  readonly gatherFedMs: number;
  /** A feed that did not tell of a change has so long for any event of the class before it counts as deaf. */
  readonly feedSuspectMs: number;
  /** After a read of a feed that failed: so long, then twice as long each time ... */
  readonly feedRetryMs: number;
  /** ... up to this. */
  readonly longestFeedRetryMs: number;
  /** How often messages of a feed that cannot be read are mentioned in the log. */
  readonly feedLogPauseMs: number;
  /** After a read of instances that failed: so long, then twice as long each time ... */
  readonly readPauseMs: number;
  /** ... up to this. */
  readonly longestReadPauseMs: number;
  /** A scope's runners are listed once in this time while anything waits; most registrations are learnt from the job's event before. */
  readonly listRunnersEveryMs: number;
  /** A runner needs at least this long to come online, so no list is made for it earlier. */
  readonly registrationGraceMs: number;
  /** While anybody waits for a registration, the loop looks at the clock this often. */
  readonly registrationTickMs: number;
}

const second = 1_000;
const minute = 60 * second;

/** requestPeriods are the waiting times of production. */
export const requestPeriods: RequestPeriods = {
  attemptBackoffMs: 5 * second,
  longestAttemptBackoffMs: minute,
  slowAttemptMs: 15 * minute,
  jobLifetimeMs: 24 * 60 * minute,
  capacityRetryMs: 15 * second,
  longestCapacityRetryMs: minute,
  refusalRetryMs: minute,
  longestRefusalRetryMs: 5 * minute,
  failurePauseMs: second,
  longestFailurePauseMs: minute,
  githubRefusedPauseMs: minute,
  noAppPauseMs: 30 * second,
  jitLifetimeMs: 30 * minute,
  trustEventMs: 5 * minute,
  seekEveryMs: 30 * second,
  stillNeededMs: 30 * second,
  uncoveredGraceMs: 5 * minute,
  queuePlaceMs: 5 * minute,
  surplusGraceMs: 30 * second,
  lingerMs: 2 * minute,
  busyPauseMs: minute,
  deregisterRetryMs: 10 * second,
  stopAgainMs: minute,
  stopRetryMs: 10 * second,
  lateEventMs: 15 * second,
  lostAfterMs: minute,
  giveUpAskingMs: 15 * minute,
  consistencyMs: 5 * minute,
  settleMs: 5 * second,
  listLagMs: minute,
  leftoversEveryMs: 10 * second,
  firstLookMs: 10 * second,
  pollYoungMs: 10 * second,
  youngMs: 2 * minute,
  pollStartingMs: 30 * second,
  pollIdleMs: minute,
  pollBusyMs: 2 * minute,
  pollEndingMs: 3 * second,
  endingMs: 30 * second,
  pollLingeringMs: 15 * second,
  pollFedMs: 5 * minute,
  pollFedEndingMs: minute,
  gatherMs: 2 * second,
  gatherFedMs: 30 * second,
  feedSuspectMs: minute,
  feedRetryMs: second,
  longestFeedRetryMs: minute,
  feedLogPauseMs: 5 * minute,
  readPauseMs: 5 * second,
  longestReadPauseMs: minute,
  listRunnersEveryMs: minute,
  registrationGraceMs: 30 * second,
  registrationTickMs: 5 * second,
};
