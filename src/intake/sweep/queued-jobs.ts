import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, RunRecord } from "../../github/types.ts";
import { keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Store } from "../../kube/store.ts";
import type { Clock } from "../../util/clock.ts";
import { requestNameOf } from "../decide.ts";
import { appKeyOf } from "../matching.ts";
import { isStoreUnavailable } from "../writer.ts";
import { type SweptApp, sweptApps } from "./apps.ts";
import type { Periods } from "./periods.ts";
import type { Reporter } from "./reporter.ts";
import { RunMemory } from "./runs.ts";
import { isOfRepository, pagesOf, takeTurn, Turn, type TurnOptions } from "./turn.ts";

/** Calls that one sweep makes for one App: 12 sweeps an hour then stay below half of the smallest quota. */
const maxCalls = 200;
/** Runs that one sweep reads of one repository, so that a large one does not keep the others waiting. */
const maxRuns = 50;

/** QueuedJobOptions are what the queued-job sweep works with. */
export interface QueuedJobOptions extends TurnOptions {
  readonly apps: Store<GitHubApp>;
  readonly targets: Store<RunnerTarget>;
  readonly reporter: Reporter;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  readonly periods: Periods;
  readonly clock: Clock;
}

interface Repository {
  readonly name: string;
  readonly runs: RunMemory;
  /** When it last had its turn; 0 before. */
  sweptAtMs: number;
}

/**
 * QueuedJobSweep asks GitHub for jobs that wait, whatever became of their webhooks: some never leave a trace. There is no list of queued
 * jobs for an organisation, so repositories are asked that had jobs lately, and those that targets name.
 */
export class QueuedJobSweep {
  readonly #o: QueuedJobOptions;
  /** By the App's key, then by the repository's name in lower case; only those of the newest sweep. */
  #repositories = new Map<string, Map<string, Repository>>();

  constructor(options: QueuedJobOptions) {
    this.#o = options;
  }

  /** sweep gives every App its turn. */
  async sweep(signal: AbortSignal): Promise<void> {
    const apps = sweptApps(this.#o.apps.list(), this.#o.github);
    this.#repositories = new Map(apps.map((app) => [app.key, this.#repositoriesOf(app)]));
    for (const app of apps) {
      if (signal.aborted) return;
      const turn = new Turn(app, this.#o, maxCalls);
      await takeTurn("QueuedJobs", turn, this.#o, signal, async () => await this.#sweep(turn, signal));
    }
  }

  async #sweep(turn: Turn, signal: AbortSignal): Promise<void> {
    const repositories = [...(this.#repositories.get(turn.app.key)?.values() ?? [])];
    for (const repository of repositories.sort((a, b) => a.sweptAtMs - b.sweptAtMs)) {
      try {
        await this.#look(turn, repository, signal);
      } catch (error) {
        // Whatever is wrong with it, the others come first next time.
        if (isGitHubError(error) || isStoreUnavailable(error)) repository.sweptAtMs = this.#o.clock.now();
        if (!isOfRepository(error)) throw error;
        // One that was deleted, or taken from the installation, must not end the turn of the others.
        const code = isGitHubError(error) ? error.code : undefined;
        this.#o.log.warn({ repository: repository.name, code }, "could not look for queued jobs");
      }
      repository.sweptAtMs = this.#o.clock.now();
    }
  }

  async #look(turn: Turn, { name, runs: memory }: Repository, signal: AbortSignal): Promise<void> {
    const { reporter } = this.#o;
    const byId = new Map<string, RunRecord>();
    // A run with one job that has started is in progress, though others of its jobs wait.
    for (const status of ["queued", "in_progress"] as const) {
      const runs = await turn.call((github) => github.listRuns(name, status, signal));
      turn.spend(pagesOf(runs.length) - 1);
      for (const run of runs) byId.set(run.id, run);
    }
    for (const run of memory.choose([...byId.values()], maxRuns)) {
      const jobs = (await turn.call((github) => github.listRunJobs(name, run.id, signal))) ?? [];
      turn.spend(pagesOf(jobs.length) - 1);
      let isSettled = true;
      for (const job of jobs) {
        const written = await turn.store(requestNameOf(job.id, turn.app.host), async () => {
          const found = await reporter.queued(turn.app, job, run, signal);
          await reporter.progress(turn.app, job, run, "Sweep", signal);
          return found;
        });
        if (written === "early" || written === "refused") isSettled = false;
      }
      // Only now: a run whose jobs could not be stored is read again, and one whose jobs were too young as well.
      if (isSettled) memory.read(run);
    }
  }

  #repositoriesOf(app: SweptApp): Map<string, Repository> {
    const { targets, reporter, periods, clock } = this.#o;
    const before = this.#repositories.get(app.key);
    const found = new Map<string, Repository>();
    const add = (name: string): void => {
      const key = name.toLowerCase();
      if (!found.has(key)) found.set(key, before?.get(key) ?? { name, runs: new RunMemory(), sweptAtMs: 0 });
    };
    const objects = new Set(app.objects.map((object) => keyText(keyOf(object))));
    for (const target of targets.list()) {
      const { repository } = target.spec.scope;
      if (repository !== undefined && objects.has(keyText(appKeyOf(target)))) add(repository);
    }
    const recentMs = clock.now() - periods.recentMs;
    for (const { metadata, spec } of reporter.requestsOf(app)) {
      if (Date.parse(metadata.creationTimestamp ?? "") >= recentMs) add(spec.job.repository);
    }
    return found;
  }
}
