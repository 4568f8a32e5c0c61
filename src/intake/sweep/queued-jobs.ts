import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { type GitHubError, isGitHubError } from "../../github/errors.ts";
import type { GitHub, RunJobRecord, RunRecord } from "../../github/types.ts";
import { keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import type { Store } from "../../kube/store.ts";
import { requestNameOf } from "../decide.ts";
import { admits, appKeyOf } from "../matching.ts";
import { isReady, type SweptApp, sweptApps } from "./apps.ts";
import type { RecentRepositories } from "./recent.ts";
import type { Reporter } from "./reporter.ts";
import { RunMemory } from "./runs.ts";
import { isWithheld, pagesOf, takeTurn, Turn, type TurnOptions } from "./turn.ts";

/** Calls that one sweep makes for one App: 12 sweeps an hour then stay below half of the smallest quota. */
const maxCalls = 200;
/** Runs that one sweep reads of one repository, so that a large one does not keep the others waiting. */
const maxRuns = 50;
/** Sweeps that a repository is left out at most: three hours. */
const longestRest = 36;

/** QueuedJobOptions are what the queued-job sweep works with. */
export interface QueuedJobOptions extends TurnOptions {
  readonly apps: Store<GitHubApp>;
  readonly targets: Store<RunnerTarget>;
  readonly reporter: Reporter;
  readonly recent: RecentRepositories;
  readonly github: (app: ObjectKey) => GitHub | undefined;
}

interface Repository {
  readonly name: string;
  readonly runs: RunMemory;
  /** When it last had its turn, in looks; 0 before. */
  lookedAt: number;
  /** How often in a row GitHub knew no such repository, or did not show it to the App. */
  missing: number;
  /** The first sweep that asks for it again. */
  restsUntil: number;
}

/**
 * QueuedJobSweep asks GitHub for jobs that wait, whatever became of their webhooks: some never leave a trace. There is no list of queued
 * jobs for an organisation, so repositories are asked that had jobs lately, and those that targets name.
 */
export class QueuedJobSweep {
  readonly #o: QueuedJobOptions;
  /** By the App's key, then by the repository's name in lower case; only those of the newest sweep. */
  #repositories = new Map<string, Map<string, Repository>>();
  /** Order and rests go by these, as clocks may be set back. */
  #sweeps = 0;
  #looks = 0;

  constructor(options: QueuedJobOptions) {
    this.#o = options;
  }

  /** sweep gives every App its turn. */
  async sweep(signal: AbortSignal): Promise<void> {
    this.#sweeps += 1;
    const apps = sweptApps(this.#o.apps.list(), this.#o.github);
    this.#repositories = new Map(apps.map((app) => [app.key, this.#repositoriesOf(app)]));
    for (const app of apps) {
      if (signal.aborted) return;
      const turn = new Turn(app, this.#o, maxCalls);
      await takeTurn("QueuedJobs", turn, this.#o, signal, async () => await this.#sweep(turn, signal));
      if (!signal.aborted) await this.#o.recent.keep(app, signal);
    }
    this.#o.recent.forget(apps);
  }

  async #sweep(turn: Turn, signal: AbortSignal): Promise<void> {
    const known = [...(this.#repositories.get(turn.app.key)?.values() ?? [])];
    const due = known.filter(({ restsUntil }) => restsUntil <= this.#sweeps);
    for (const repository of due.sort((a, b) => a.lookedAt - b.lookedAt)) {
      try {
        turn.check({ repository: repository.name });
        // Before the look: however it ends, the others come first next time.
        this.#looks += 1;
        repository.lookedAt = this.#looks;
        await this.#look(turn, repository, signal);
        repository.missing = 0;
      } catch (error) {
        if (!turn.goesOnAfter(error)) throw error;
        // Its quota is another's to use; nothing is known of the repository itself.
        if (isGitHubError(error)) this.#note(repository, error);
      }
    }
  }

  #note(repository: Repository, { code }: GitHubError): void {
    if (code === "NotFound") {
      // Names can be invented, and each would cost as much as one with jobs.
      repository.missing += 1;
      repository.restsUntil = this.#sweeps + Math.min(2 ** repository.missing, longestRest);
    }
    this.#o.log.warn({ repository: repository.name, code }, "could not look for queued jobs");
  }

  async #look(turn: Turn, { name, runs: memory }: Repository, signal: AbortSignal): Promise<void> {
    const owner = { repository: name };
    const byId = new Map<string, RunRecord>();
    // A run with one job that has started is in progress, though others of its jobs wait.
    for (const status of ["queued", "in_progress"] as const) {
      const runs = await turn.call(owner, (github) => github.listRuns(name, status, signal));
      turn.spend(pagesOf(runs.length) - 1);
      for (const run of runs) byId.set(run.id, run);
    }
    let unread: GitHubError | undefined;
    for (const run of memory.choose([...byId.values()], maxRuns)) {
      let jobs: readonly RunJobRecord[];
      try {
        jobs = (await turn.call(owner, (github) => github.listRunJobs(name, run.id, signal))) ?? [];
      } catch (error) {
        if (isWithheld(error) || !isGitHubError(error) || error.code === "RateLimited") throw error;
        // Whatever is wrong with it, the other runs of the repository wait for their turn behind it.
        memory.unsettled(run);
        if (!turn.goesOnAfter(error)) throw error;
        unread ??= error;
        continue;
      }
      turn.spend(pagesOf(jobs.length) - 1);
      // A run whose jobs could not be stored is read again, behind the others, and one whose jobs were too young as well.
      memory.unsettled(run);
      if (await this.#report(turn, run, jobs, signal)) memory.read(run);
    }
    if (unread !== undefined) this.#o.log.warn({ repository: name, code: unread.code }, "could not read the jobs of a run");
  }

  /** Reports the jobs of a run, and tells whether all of them are settled. */
  async #report(turn: Turn, run: RunRecord, jobs: readonly RunJobRecord[], signal: AbortSignal): Promise<boolean> {
    const { reporter } = this.#o;
    let isSettled = true;
    for (const job of jobs) {
      const written = await turn.store(requestNameOf(job.id, turn.app.host), async () => {
        const found = await reporter.queued(turn.app, job, run, signal);
        await reporter.progress(turn.app, job, run, "Sweep", signal);
        return found;
      });
      if (written === "early" || written === "refused") isSettled = false;
    }
    return isSettled;
  }

  #repositoriesOf(app: SweptApp): Map<string, Repository> {
    const { targets, reporter, recent } = this.#o;
    const before = this.#repositories.get(app.key);
    const found = new Map<string, Repository>();
    const add = (name: string): void => {
      const key = name.toLowerCase();
      const fresh = { name, runs: new RunMemory(), lookedAt: 0, missing: 0, restsUntil: 0 };
      if (!found.has(key)) found.set(key, before?.get(key) ?? fresh);
    };
    const objects = new Map(app.objects.map((object) => [keyText(keyOf(object)), object]));
    for (const target of targets.list()) {
      const { repository } = target.spec.scope;
      const object = objects.get(keyText(appKeyOf(target)));
      if (repository === undefined || object === undefined) continue;
      // Anybody who may write a target can name an App and a repository: what serves nobody is not asked for.
      if (isReady(target) && admits(object, target.metadata.namespace ?? "", repository)) add(repository);
    }
    // Of some requests it was not clear whose they are when they were made: their target came later.
    for (const request of reporter.requestsOf(app)) recent.note(request);
    for (const { name } of recent.of(app)) add(name);
    return found;
  }
}
