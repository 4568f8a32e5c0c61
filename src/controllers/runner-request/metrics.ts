import { Counter, Histogram, type Registry } from "../../telemetry/metrics.ts";
import { attemptReasons, runnerRequestReasons } from "../../api/v1alpha1/reasons.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { getCondition, isTrue } from "../../kube/conditions.ts";
import type { Change } from "../../kube/store.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { isFinished } from "../../request/phase.ts";

type Timings = NonNullable<NonNullable<RunnerRequest["status"]>["timings"]>;

/** Seconds from a second to an hour: a queue that is longer than that needs a person, not a finer bucket. */
const buckets = [1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1_800, 3_600];

/** RunnerRequestMetrics counts what users feel: how long a job waits for its runner, and how requests end. Labels come from closed lists. */
export class RunnerRequestMetrics {
  readonly #finished: Counter<"reason">;
  readonly #launch: Histogram;
  readonly #queue: Histogram;
  readonly #wait: Histogram;
  readonly #run: Histogram;
  readonly #attempts: Counter<"reason">;
  readonly #interruptions: Counter<"busy">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#finished = new Counter({
      name: "getabako_runner_requests_finished_total",
      help: "RunnerRequests that ended, by reason.",
      labelNames: ["reason"],
      registers,
    });
    this.#attempts = new Counter({
      name: "getabako_runner_attempts_ended_total",
      help: "Attempts that ended without a job, by reason.",
      labelNames: ["reason"],
      registers,
    });
    this.#interruptions = new Counter({
      name: "getabako_runner_interruptions_total",
      help: "Runners whose capacity was taken away, by whether a job ran on them at that moment.",
      labelNames: ["busy"],
      registers,
    });
    for (const reason of Object.keys(attemptReasons)) this.#attempts.inc({ reason }, 0);
    for (const busy of ["true", "false"]) this.#interruptions.inc({ busy }, 0);
    this.#launch = new Histogram({
      name: "getabako_runner_launch_duration_seconds",
      help: "Time from a job being queued at GitHub until a runner for it was registered.",
      buckets,
      registers,
    });
    this.#queue = new Histogram({
      name: "getabako_runner_accept_duration_seconds",
      help: "Time from a RunnerRequest being created until the provider accepted its runner.",
      buckets: [0.05, 0.1, 0.25, 0.5, ...buckets],
      registers,
    });
    this.#wait = new Histogram({
      name: "getabako_job_queue_duration_seconds",
      help: "Time from a job being queued at GitHub until a runner took it, as the operator learnt it.",
      buckets: [...buckets, 7_200, 21_600],
      registers,
    });
    this.#run = new Histogram({
      name: "getabako_job_duration_seconds",
      help: "Time that runners spent on their jobs.",
      buckets: [...buckets, 7_200, 21_600],
      registers,
    });
    for (const reason of Object.keys(runnerRequestReasons.Succeeded)) this.#finished.inc({ reason }, 0);
  }

  /** attemptEnded counts an attempt that ended without its job having run. */
  attemptEnded(reason: string): void {
    this.#attempts.inc({ reason });
  }

  /** interrupted counts a runner whose capacity is taken away. */
  interrupted(jobRuns: boolean): void {
    this.#interruptions.inc({ busy: String(jobRuns) });
  }

  /** follow is an informer's handler: each moment is measured when it appears in a status, so once. */
  follow(change: Change<DeepReadonly<RunnerRequest>>): void {
    if (change.type !== "update") return;
    const { old, new: now } = change;
    const timings = now.status?.timings;
    if (appeared(old, now, "Launched")) between(this.#queue, timings, "createdAt", "launchedAt");
    if (appeared(old, now, "Registered")) between(this.#launch, timings, "queuedAt", "registeredAt");
    // A job that was cancelled before never had a runner.
    if ((old.status?.job?.state ?? old.spec.job.state) === "Queued" && now.status?.job?.state === "InProgress") {
      observeSeconds(this.#wait, now.spec.job.queuedAt, now.status.job.updatedAt);
    }
    if (!isFinished(old.status) && isFinished(now.status)) {
      this.#finished.inc({ reason: getCondition(now.status?.conditions, "Succeeded")?.reason ?? "" });
      between(this.#run, timings, "startedAt", "completedAt");
    }
  }
}

function appeared(old: DeepReadonly<RunnerRequest>, now: DeepReadonly<RunnerRequest>, type: string): boolean {
  return !isTrue(old.status?.conditions, type) && isTrue(now.status?.conditions, type);
}

function between(histogram: Histogram, timings: DeepReadonly<Timings> | undefined, from: keyof Timings, to: keyof Timings): void {
  const start = timings?.[from];
  const end = timings?.[to];
  if (start !== undefined && end !== undefined) observeSeconds(histogram, start, end);
}

function observeSeconds(histogram: Histogram, start: string, end: string): void {
  histogram.observe(Math.max(0, (Date.parse(end) - Date.parse(start)) / 1_000));
}
