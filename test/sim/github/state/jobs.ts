import { randomBytes } from "node:crypto";
import { ApiError, notFound } from "../errors.ts";
import { addRepository } from "./accounts.ts";
import { assign } from "./assignment.ts";
import type { Conclusion, Job, Run, Runner } from "./model.ts";
import { removeRunner } from "./runners.ts";
import type { World } from "./world.ts";

/** QueueJob describes a job; only the repository has no default. */
export interface QueueJob {
  readonly repository: string;
  readonly labels?: readonly string[];
  readonly name?: string;
  readonly workflowName?: string;
  /** The runner group that the workflow names. */
  readonly group?: string;
  /** A further job of this run instead of a new run. */
  readonly runId?: number;
  readonly event?: string;
  readonly headBranch?: string;
  /** True holds the job at an environment's gate until `approveJob`. */
  readonly waiting?: boolean;
  readonly durationMs?: number;
  readonly outcome?: Conclusion;
  /** GitHub gives the job to nobody for so long, although a runner idles. */
  readonly assignAfterMs?: number;
  /** A job for GitHub's own machines; by default every job with one of their labels. */
  readonly hosted?: boolean;
}

const hostedLabel = /^(ubuntu|windows|macos)-(latest|\d)/i;

/** queueJob starts a run with one job, or adds a job to a run, and tells the world. */
export function queueJob(world: World, options: QueueJob): Job {
  const run = options.runId === undefined ? startRun(world, options) : world.runs.get(options.runId);
  if (!run) throw new Error(`queueJob: there is no run ${options.runId}`);
  const labels = options.labels ?? ["self-hosted"];
  const job = newJob(world, run, {
    name: options.name ?? `build (${run.jobs.length + 1})`,
    labels: [...labels],
    group: options.group,
    hosted: options.hosted ?? labels.some((label) => hostedLabel.test(label)),
    durationMs: options.durationMs ?? 0,
    outcome: options.outcome ?? "success",
  });
  job.notBefore = options.assignAfterMs === undefined ? undefined : world.now() + options.assignAfterMs;
  announce(world, job, options.waiting ?? false);
  return job;
}

function startRun(world: World, options: QueueJob): Run {
  const repository = addRepository(world, options.repository);
  const number = (world.runNumbers.get(repository.id) ?? 0) + 1;
  world.runNumbers.set(repository.id, number);
  const run: Run = {
    id: world.largeId(),
    number,
    repository,
    workflowName: options.workflowName ?? "CI",
    event: options.event ?? "push",
    headBranch: options.headBranch ?? "main",
    headSha: randomBytes(20).toString("hex"),
    createdAt: world.now(),
    attempt: 1,
    jobs: [],
  };
  world.runs.set(run.id, run);
  return run;
}

type JobInput = Pick<Job, "name" | "labels" | "group" | "hosted" | "durationMs" | "outcome"> & { readonly key?: number };

function newJob(world: World, run: Run, input: JobInput): Job {
  const id = world.largeId();
  const job: Job = {
    id,
    key: input.key ?? id,
    run,
    attempt: run.attempt,
    name: input.name,
    labels: input.labels,
    group: input.group,
    hosted: input.hosted,
    durationMs: input.durationMs,
    outcome: input.outcome,
    createdAt: world.now(),
    queuedAt: undefined,
    notBefore: undefined,
    status: "queued",
    conclusion: null,
    startedAt: undefined,
    completedAt: undefined,
    runner: undefined,
    assignedAt: undefined,
    lockedUntil: undefined,
    runnerName: undefined,
    runnerId: undefined,
    runnerGroup: undefined,
    startedBy: [],
    assignments: 0,
    cancelRequestedAt: undefined,
  };
  run.jobs.push(job);
  world.jobs.set(job.id, job);
  world.open.add(job);
  return job;
}

function announce(world: World, job: Job, waiting: boolean): void {
  job.status = waiting ? "waiting" : "queued";
  if (!waiting) job.queuedAt = world.now();
  world.record(waiting ? "job-waiting" : "job-queued", { job });
  assign(world);
}

/** approveJob opens the gate that a waiting job stands at. */
export function approveJob(world: World, job: Job): void {
  if (job.status !== "waiting") throw new Error(`approveJob: job ${job.id} is ${job.status}, not waiting`);
  announce(world, job, false);
}

/** startJob is the acquire of a runner: the job is now its alone. */
export function startJob(world: World, job: Job, runner: Runner): void {
  if (job.status === "completed") throw new ApiError(404, "Job not found");
  if (job.runner !== runner || job.status !== "queued") throw new ApiError(409, "Job is already assigned to another runner");
  const now = world.now();
  job.status = "in_progress";
  job.startedAt = now;
  job.lockedUntil = now + world.settings.lockMs;
  job.runnerName = runner.name;
  job.runnerId = runner.id;
  job.runnerGroup = runner.group;
  job.startedBy.push(runner.name);
  runner.ran.push(job.id);
  runner.idleSince = undefined;
  world.record("job-started", { job, runner });
}

/** startHostedJob lets one of GitHub's own machines take a job. */
export function startHostedJob(world: World, job: Job): void {
  if (job.status !== "queued") return;
  job.status = "in_progress";
  job.startedAt = world.now();
  job.runnerName = `GitHub Actions ${world.id()}`;
  job.runnerId = world.id();
  job.startedBy.push(job.runnerName);
  world.record("job-started", { job });
}

/** completeJob ends a job and, since every runner here is ephemeral, its runner's registration. */
export function completeJob(world: World, job: Job, conclusion: Conclusion): void {
  if (job.status === "completed") return;
  const { runner } = job;
  const started = job.status === "in_progress";
  job.status = "completed";
  world.open.delete(job);
  job.conclusion = conclusion;
  job.completedAt = world.now();
  // GitHub shows a job that never started as started at the moment of its end.
  job.startedAt ??= job.completedAt;
  job.lockedUntil = undefined;
  job.runner = undefined;
  if (runner) {
    runner.job = undefined;
    runner.busy = runner.phase === "offline" && (runner.busyUntil ?? 0) > world.now();
  }
  world.record("job-completed", { job, ...(runner && { runner }), detail: conclusion });
  // A job that was assigned but not acquired takes its runner along as well: GitHub deregisters it, the process idles on as a ghost.
  if (runner && runner.phase !== "offline") removeRunner(world, runner, "finished");
  if (runner && runner.phase === "offline" && !started) runner.busy = false;
  assign(world);
}

/** cancelJob is a person's "Cancel". A runner that can be told gets some time to wind up; everything else ends at once. */
export function cancelJob(world: World, job: Job): void {
  if (job.cancelRequestedAt !== undefined || job.status === "completed") return;
  job.cancelRequestedAt = world.now();
  if (job.status === "in_progress" && job.runner?.hasSession && job.runner.phase === "online") {
    world.record("job-cancel-requested", { job, runner: job.runner });
    return;
  }
  completeJob(world, job, "cancelled");
}

/** runStatus sums up the jobs of the newest attempt as GitHub does. */
export function runStatus(run: Run): {
  status: "queued" | "in_progress" | "completed" | "waiting";
  conclusion: Conclusion | null;
} {
  const jobs = latestJobs(run);
  if (jobs.every((job) => job.status === "completed")) {
    const worst = (["failure", "timed_out", "cancelled"] as const).find((candidate) =>
      jobs.some((job) => job.conclusion === candidate),
    );
    return { status: "completed", conclusion: worst ?? "success" };
  }
  // One started or finished job makes the whole run "in_progress", though others of its jobs still wait.
  if (jobs.some((job) => job.status === "in_progress" || job.status === "completed"))
    return { status: "in_progress", conclusion: null };
  return { status: jobs.some((job) => job.status === "queued") ? "queued" : "waiting", conclusion: null };
}

/** latestJobs are the jobs that count now: of each, the newest attempt. */
export function latestJobs(run: Run): Job[] {
  const newest = new Map<number, Job>();
  for (const job of run.jobs) newest.set(job.key, job);
  return [...newest.values()];
}

/** rerunJobs queues jobs of a finished run again: same run, next attempt, new job ids. */
export function rerunJobs(world: World, run: Run, which: (job: Job) => boolean): Job[] {
  if (runStatus(run).status !== "completed") throw new ApiError(403, "This workflow run is already running");
  if (run.attempt > 50) throw new ApiError(403, "This workflow run cannot be retried");
  const again = latestJobs(run).filter(which);
  if (again.length === 0) throw notFound();
  run.attempt += 1;
  const jobs = again.map((job) => newJob(world, run, job));
  for (const job of jobs) announce(world, job, false);
  return jobs;
}
