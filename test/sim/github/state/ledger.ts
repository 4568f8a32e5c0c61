import type { Job, Runner } from "./model.ts";
import { fullName, type World } from "./world.ts";

export interface JobStory {
  readonly id: number;
  readonly repository: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly status: Job["status"];
  readonly conclusion: Job["conclusion"];
  readonly assignments: number;
  readonly startedBy: readonly string[];
  /** Milliseconds between queued and started, when both happened. */
  readonly waitedMs: number | undefined;
}

export interface RunnerStory {
  readonly id: number;
  readonly name: string;
  readonly phase: Runner["phase"];
  readonly busy: boolean;
  readonly labels: readonly string[];
  readonly connects: number;
  readonly jobs: readonly number[];
  readonly removedBy: Runner["removedBy"] | undefined;
}

/** Report is what a run must answer for: every job once, nothing left behind, no runner cut off from its job. */
export interface Report {
  readonly jobs: {
    readonly total: number;
    readonly completed: number;
    readonly cancelled: number;
    readonly running: number;
    readonly queued: number;
  };
  readonly runners: { readonly minted: number; readonly connected: number; readonly ranAJob: number; readonly live: number };
  /** Not cancelled, not for GitHub's machines, and no runner ever started them. */
  readonly neverRun: readonly JobStory[];
  readonly ranTwice: readonly JobStory[];
  /** Registrations that are still in the API. */
  readonly leftBehind: readonly RunnerStory[];
  /** Runners that ran more than one job, or came online twice with one configuration. */
  readonly reused: readonly RunnerStory[];
  /** Jobs whose runner vanished in the middle. */
  readonly lost: readonly JobStory[];
  /** Jobs that their runner gave up because somebody stopped it, though nobody had cancelled the job. */
  readonly interrupted: readonly JobStory[];
  /** The largest number of registrations alive at once, as seen by GitHub. */
  readonly mostRunnersAtOnce: number;
}

/** Ledger watches the world and keeps what cannot be computed from it afterwards. */
export class Ledger {
  readonly #world: World;
  readonly #lost = new Set<Job>();
  #most = 0;

  constructor(world: World) {
    this.#world = world;
    world.listen((entry) => {
      this.#most = Math.max(this.#most, world.runners.size);
      if (entry.kind === "runner-offline" && entry.job?.status === "in_progress") this.#lost.add(entry.job);
    });
  }

  report(): Report {
    const jobs = [...this.#world.jobs.values()].filter((job) => !job.hosted);
    const live = [...this.#world.runners.values()];
    const all = [...this.#world.gone, ...live];
    const count = <T>(items: readonly T[], test: (item: T) => boolean) => items.filter(test).length;
    return {
      jobs: {
        total: jobs.length,
        completed: count(jobs, (job) => job.status === "completed"),
        cancelled: count(jobs, (job) => job.conclusion === "cancelled"),
        running: count(jobs, (job) => job.status === "in_progress"),
        queued: count(jobs, (job) => job.status === "queued" || job.status === "waiting"),
      },
      runners: {
        minted: all.length,
        connected: count(all, (runner) => runner.connects > 0),
        ranAJob: count(all, (runner) => runner.ran.length > 0),
        live: live.length,
      },
      neverRun: jobs.filter((job) => job.startedBy.length === 0 && job.conclusion !== "cancelled").map(jobStory),
      ranTwice: jobs.filter((job) => job.startedBy.length > 1).map(jobStory),
      leftBehind: live.map(runnerStory),
      reused: all.filter((runner) => runner.ran.length > 1 || runner.connects > 1).map(runnerStory),
      lost: [...this.#lost].map(jobStory),
      interrupted: jobs
        .filter((job) => job.startedBy.length > 0 && job.conclusion === "cancelled" && job.cancelRequestedAt === undefined)
        .map(jobStory),
      mostRunnersAtOnce: this.#most,
    };
  }
}

/** jobStory is a job as the report tells of it. */
export function jobStory(job: Job): JobStory {
  return {
    id: job.id,
    repository: fullName(job.run.repository),
    name: job.name,
    labels: job.labels,
    status: job.status,
    conclusion: job.conclusion,
    assignments: job.assignments,
    startedBy: [...job.startedBy],
    waitedMs: job.queuedAt !== undefined && job.startedBy.length > 0 ? (job.startedAt ?? 0) - job.queuedAt : undefined,
  };
}

/** runnerStory is a runner as the report tells of it. */
export function runnerStory(runner: Runner): RunnerStory {
  return {
    id: runner.id,
    name: runner.name,
    phase: runner.phase,
    busy: runner.busy,
    labels: runner.labels,
    connects: runner.connects,
    jobs: [...runner.ran],
    removedBy: runner.removedBy,
  };
}
