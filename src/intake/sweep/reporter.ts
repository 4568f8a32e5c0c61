import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import type { RunJobRecord } from "../../github/types.ts";
import { Deadline } from "../../kube/abort.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import type { Store } from "../../kube/store.ts";
import { isLater } from "../../request/job-record.ts";
import { isRejected } from "../../request/phase.ts";
import type { JobsCaught } from "../../telemetry/jobs-caught.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Clock } from "../../util/clock.ts";
import { isOurs, requestNameOf } from "../decide.ts";
import type { Handler } from "../handler.ts";
import { requestNameIndex } from "../indexes.ts";
import type { SweptApp } from "./apps.ts";
import { jobEvent, type JobPlace, stateOf } from "./job-event.ts";
import type { Periods } from "./periods.ts";

/** How long one job may take to be stored; after that the API server is taken to be away. */
const storeWithinMs = 8_000;

/** ReporterOptions are what a reporter works with. */
export interface ReporterOptions {
  readonly handler: Handler;
  /** With runnerRequestIndexes among its indexes. */
  readonly requests: Store<RunnerRequest>;
  readonly targets: Store<RunnerTarget>;
  readonly caught: JobsCaught;
  readonly periods: Periods;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Reporter hands what GitHub says of jobs to the handler that webhooks go through, if it is news. */
export class Reporter {
  readonly #o: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#o = options;
  }

  /** requestsOf lists the requests of an App, of all its objects. */
  *requestsOf(app: SweptApp): Iterable<DeepReadonly<RunnerRequest>> {
    for (const request of this.#o.requests.list()) if (this.#isOurs(request, app)) yield request;
  }

  /**
   * queued makes the request of a job that waits and has none; "early" says that it has not waited long enough, so that its run must
   * be read again. @throws StoreUnavailable
   */
  async queued(app: SweptApp, job: RunJobRecord, place: JobPlace, signal: AbortSignal): Promise<"made" | "early" | "nothing"> {
    if (stateOf(job) !== "Queued") return "nothing";
    const request = this.#requestOf(app, job.id);
    // One on its way out does nothing for the job any more, but still has its name.
    // Of one that was rejected the writer decides: another target may serve the job by now.
    if (request !== undefined && !isRejected(request))
      return request.metadata.deletionTimestamp === undefined ? "nothing" : "early";
    // A younger job's webhook is on its way, and a count of caught jobs that counts those too says nothing.
    const sinceMs = Date.parse(job.createdAt ?? job.startedAt ?? "");
    if (this.#o.clock.now() - sinceMs <= this.#o.periods.queuedForMs) return "early";
    return (await this.#handle(app, job, place, "Sweep", signal)) ? "made" : "nothing";
  }

  /** progress records a later state of a job that has a request. Returns whether it was news. @throws StoreUnavailable */
  async progress(
    app: SweptApp,
    job: RunJobRecord,
    place: JobPlace,
    net: "Sweep" | "Refresh",
    signal: AbortSignal,
  ): Promise<boolean> {
    const request = this.#requestOf(app, job.id);
    const state = stateOf(job);
    // Of a job without a request nothing is recorded: a tombstone for each foreign job of a repository would help nobody.
    if (request === undefined || state === undefined) return false;
    if (!isLater(state, request.status?.job?.state ?? request.spec.job.state)) return false;
    return await this.#handle(app, job, place, net, signal);
  }

  async #handle(
    app: SweptApp,
    job: RunJobRecord,
    place: JobPlace,
    net: "Sweep" | "Refresh",
    signal: AbortSignal,
  ): Promise<boolean> {
    const event = jobEvent(job, place);
    if (event === undefined) return false;
    const deadline = new Deadline(storeWithinMs, signal);
    try {
      const { outcome } = await this.#o.handler.handle(
        event,
        { apps: app.objects, host: app.host, source: "Sweep" },
        { signal: deadline.signal, log: this.#o.log.child({ net }) },
      );
      const isNews = outcome === "created" || outcome === "recorded";
      if (isNews && this.#isLost(job)) this.#o.caught.caught(net);
      return isNews;
    } finally {
      deadline.dispose();
    }
  }

  /** Whether a job's webhook could have come by now: what is found before that may still be told by it, and was not caught. */
  #isLost(job: RunJobRecord): boolean {
    const since = { Queued: job.createdAt ?? job.startedAt, InProgress: job.startedAt, Completed: job.completedAt };
    const sinceMs = Date.parse(since[stateOf(job) ?? "Queued"] ?? "");
    return !(this.#o.clock.now() - sinceMs <= this.#o.periods.queuedForMs);
  }

  #requestOf(app: SweptApp, jobId: string): DeepReadonly<RunnerRequest> | undefined {
    const named = [...this.#o.requests.byIndex(requestNameIndex, requestNameOf(jobId, app.host))];
    return named.find((request) => this.#isOurs(request, app));
  }

  #isOurs(request: DeepReadonly<RunnerRequest>, app: SweptApp): boolean {
    return isOurs(request, { apps: app.objects, host: app.host }, (key) => this.#o.targets.get(key));
  }
}
