/** Periods are all times that the sweeps go by. Ages are compared with GitHub's timestamps, which have whole seconds. */
export interface Periods extends Readonly<Record<string, number>> {
  /** From becoming the leader to the first sweep: clients are made and caches filled meanwhile. */
  readonly firstSweepMs: number;
  /** From one redelivery sweep to the next. */
  readonly redeliveryMs: number;
  /** From one queued-job sweep to the next. */
  readonly queuedJobsMs: number;
  /** How often the job refresh looks for requests that are due. */
  readonly refreshMs: number;
  /** How often a waiting loop looks at the clock. */
  readonly tickMs: number;
  /** How far back deliveries are read when no mark is stored. */
  readonly firstLookBackMs: number;
  /** How far back deliveries are ever read: GitHub keeps them for three days. */
  readonly longestLookBackMs: number;
  /** A delivery enters GitHub's list when it has ended, up to 30 s after its time; both clocks may be off by some more. */
  readonly settleMs: number;
  /** An event that could not be delivered for this long is given up. */
  readonly giveUpMs: number;
  /** An event that was refused with a 4xx is sent again a second time, and the last, when it is this old. */
  readonly secondRefusalMs: number;
  /** The mark is written when it has moved by this much: a restart reads so much again. */
  readonly markStepMs: number;
  /** Between two redeliveries: GitHub asks for a second between writes. */
  readonly betweenRedeliveriesMs: number;
  /** A job that is queued for less is on its way by webhook. */
  readonly queuedForMs: number;
  /** Repositories whose newest request was made longer ago than this are not asked for runs. */
  readonly recentMs: number;
  /** The list of repositories is written at most this often, and a repository's time in it when it has moved by an hour. */
  readonly repositoriesMs: number;
  /** A request whose job is Queued for longer than this is read at GitHub. */
  readonly queuedStaleMs: number;
  /** A request whose job is InProgress for longer than this is read at GitHub. */
  readonly inProgressStaleMs: number;
  /** From the first look at a run to the second; doubles with each look. */
  readonly firstGapMs: number;
  /** The longest time between two looks at a run. */
  readonly longestGapMs: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** periods are what the sweeps go by unless told otherwise. */
export const periods: Periods = {
  firstSweepMs: 30 * second,
  redeliveryMs: 5 * minute,
  queuedJobsMs: 5 * minute,
  refreshMs: minute,
  tickMs: 5 * second,
  firstLookBackMs: 30 * minute,
  longestLookBackMs: 72 * hour,
  settleMs: 2 * minute,
  giveUpMs: 3 * hour,
  secondRefusalMs: hour,
  markStepMs: 10 * minute,
  betweenRedeliveriesMs: second,
  queuedForMs: minute,
  recentMs: 24 * hour,
  repositoriesMs: 10 * minute,
  queuedStaleMs: 10 * minute,
  inProgressStaleMs: hour,
  firstGapMs: 10 * minute,
  longestGapMs: hour,
};
