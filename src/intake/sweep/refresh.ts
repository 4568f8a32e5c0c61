import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, JobRecord, RunJobRecord } from "../../github/types.ts";
import type { DeepReadonly, ObjectKey } from "../../kube/object.ts";
import type { Store } from "../../kube/store.ts";
import type { Clock } from "../../util/clock.ts";
import { isStoreUnavailable } from "../store-unavailable.ts";
import { sweptApps } from "./apps.ts";
import { Looks } from "./looks.ts";
import type { Periods } from "./periods.ts";
import type { Reporter } from "./reporter.ts";
import { type StaleRun, staleRuns } from "./stale.ts";
import { pagesOf, takeTurn, Turn, type TurnOptions } from "./turn.ts";

/** Calls that one refresh makes for one App; what is still due is first in the next one, a minute later. */
const maxCalls = 30;

/** RefreshOptions are what the job refresh works with. */
export interface RefreshOptions extends TurnOptions {
  readonly apps: Store<GitHubApp>;
  readonly reporter: Reporter;
  readonly github: (app: ObjectKey) => GitHub | undefined;
  readonly periods: Periods;
  readonly clock: Clock;
}

/** JobRefresh reads the jobs of requests again that have heard nothing for long: a lost `completed` leaves no other trace. */
export class JobRefresh {
  readonly #o: RefreshOptions;
  /** By the App's key. */
  readonly #looks = new Map<string, Looks>();

  constructor(options: RefreshOptions) {
    this.#o = options;
  }

  /** sweep gives every App its turn. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { apps, github, reporter, clock, periods } = this.#o;
    const swept = sweptApps(apps.list(), github);
    for (const key of this.#looks.keys()) if (!swept.some((app) => app.key === key)) this.#looks.delete(key);
    for (const app of swept) {
      if (signal.aborted) return;
      const looks = this.#looks.get(app.key) ?? new Looks(periods);
      this.#looks.set(app.key, looks);
      const nowMs = clock.now();
      const runs = staleRuns(reporter.requestsOf(app), nowMs, periods);
      const due = looks.due(runs.keys(), nowMs).flatMap((key) => runs.get(key) ?? []);
      if (due.length === 0) continue;
      const turn = new Turn(app, this.#o, maxCalls);
      await takeTurn("Refresh", turn, this.#o, signal, async () => await this.#refresh(turn, due, looks, signal));
    }
  }

  async #refresh(turn: Turn, due: readonly StaleRun[], looks: Looks, signal: AbortSignal): Promise<void> {
    for (const run of due) {
      let hadNews = false;
      const left = turn.left;
      try {
        hadNews = await this.#read(turn, run, signal);
      } catch (error) {
        // A run that cannot be read must not keep the others from their turn, nor one whose jobs cannot be stored.
        if (isGitHubError(error)) looks.looked(run.key, false, this.#o.clock.now());
        // Also one that used the share up: it would be the first again, and use up the next.
        else if (isStoreUnavailable(error) || turn.left < left) looks.postpone(run.key, this.#o.clock.now());
        if (!turn.goesOnAfter(error)) throw error;
        // Nothing is known of a run whose turn has not come.
        if (!isGitHubError(error)) continue;
        const { code } = error;
        this.#o.log.warn({ repository: run.repository, runId: run.runId, code }, "could not read the jobs of a run");
        continue;
      }
      looks.looked(run.key, hadNews, this.#o.clock.now());
    }
  }

  async #read(turn: Turn, { repository, runId, requests }: StaleRun, signal: AbortSignal): Promise<boolean> {
    const jobs = await turn.call({ repository }, (github) => github.listRunJobs(repository, runId, signal));
    // GitHub has no such run any more: nothing can be said of its jobs, and the requests have deadlines of their own.
    if (jobs === undefined) return false;
    turn.spend(pagesOf(jobs.length) - 1);
    const byId = new Map(jobs.map((job) => [job.id, job]));
    let hadNews = false;
    for (const request of requests) {
      const { id } = request.spec.job;
      // The list has the newest attempt of each job; a request of an earlier one is asked for by itself.
      const job =
        byId.get(id) ?? asRunJob(await turn.call({ repository }, (github) => github.getJob(repository, id, signal)), request);
      if (job === undefined) continue;
      // The list does not tell who may see the repository. It does not matter: nothing is made from this, only recorded.
      const place = { repository, visibility: "public" } as const;
      const progress = async () => await this.#o.reporter.progress(turn.app, job, place, "Refresh", signal);
      if ((await turn.store(request.metadata.name, progress)) === true) hadNews = true;
    }
    return hadNews;
  }
}

function asRunJob(job: JobRecord | undefined, { spec }: DeepReadonly<RunnerRequest>): RunJobRecord | undefined {
  if (job === undefined) return undefined;
  const { name, labels, runAttempt, workflowName, headBranch, htmlUrl, queuedAt } = spec.job;
  return { ...job, name, labels, runAttempt, workflowName, headBranch, htmlUrl, createdAt: queuedAt };
}
