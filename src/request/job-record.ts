import { parseRunnerName } from "../api/v1alpha1/names.ts";
import { type JobState, jobStates } from "../api/v1alpha1/job-state.ts";
import { isoTime } from "../util/clock.ts";
import { formatDuration } from "../util/duration.ts";
import { observe, type RequestStatus, summarise } from "./status.ts";

/** JobReport is what GitHub said of one job, in a webhook or in an answer. */
export interface JobReport {
  readonly id: string;
  readonly repository: string;
  readonly name: string;
  readonly htmlUrl?: string | undefined;
  readonly state: JobState;
  readonly conclusion?: string | undefined;
  readonly runnerName?: string | undefined;
  readonly startedAt?: string | undefined;
  readonly completedAt?: string | undefined;
}

/** isLater tells whether `next` is a later state of a job than `current`: states only move forward, whatever order events come in. */
export function isLater(next: JobState, current: JobState | undefined): boolean {
  return current === undefined || jobStates.indexOf(next) > jobStates.indexOf(current);
}

/**
 * recordOwnJob notes what became of the job that asked. Returns whether anything changed: a duplicate or a late event changes
 * nothing. An equal state may still add what the earlier report lacked (the conclusion, the runner).
 */
export function recordOwnJob(status: RequestStatus, job: JobReport, nowMs: number): boolean {
  const known = status.job;
  if (isLater(known.state, job.state)) return false;
  const next = {
    state: job.state,
    conclusion: known.conclusion ?? job.conclusion,
    runnerName: known.runnerName ?? nonEmpty(job.runnerName),
  };
  if (next.state === known.state && next.conclusion === known.conclusion && next.runnerName === known.runnerName) return false;
  status.job = {
    state: next.state,
    updatedAt: isoTime(nowMs),
    ...(next.conclusion !== undefined && { conclusion: next.conclusion }),
    ...(next.runnerName !== undefined && { runnerName: next.runnerName }),
  };
  return true;
}

/**
 * recordAssignedJob notes which job the request's runner took. It proves that the runner is registered, so Registered and Assigned
 * follow in the same write. Returns whether anything changed.
 *
 * An event of an earlier attempt's runner changes nothing: that attempt was given up after its registration was removed.
 */
export function recordAssignedJob(status: RequestStatus, job: JobReport, nowMs: number): boolean {
  const attempt = parseRunnerName(job.runnerName ?? "")?.attempt;
  const closed = status.attempts.findLast(({ endedAt }) => endedAt !== undefined)?.number ?? 0;
  if (attempt === undefined || attempt <= closed || attempt < (status.attempt ?? 0) || job.state === "Queued") return false;
  const known = status.assignedJob;
  if (known !== undefined && (known.id !== job.id || !isLater(job.state, known.state))) return false;

  const now = isoTime(nowMs);
  const startedAt = known?.startedAt ?? job.startedAt ?? now;
  status.assignedJob = {
    id: job.id,
    repository: job.repository,
    name: job.name.slice(0, 300),
    ...(job.htmlUrl !== undefined && { htmlUrl: job.htmlUrl.slice(0, 500) }),
    state: job.state,
    startedAt,
    ...(job.state === "Completed" && { conclusion: job.conclusion ?? "unknown", completedAt: job.completedAt ?? now }),
  };
  delete status.runner?.busySince;
  // Who has a job is running; reading it from the provider too would be a call and a write for nothing.
  if (status.instance?.state === "Pending" && attempt === status.attempt) status.instance.state = "Running";
  status.timings.registeredAt ??= startedAt;
  status.timings.startedAt ??= startedAt;
  observe(status, "Registered", "True", "JobStarted", "the runner took a job", nowMs);
  if (job.state === "Completed") {
    status.timings.completedAt ??= status.assignedJob.completedAt ?? now;
    const ran = Date.parse(status.timings.completedAt) - Date.parse(startedAt);
    const took = ran > 0 ? ` after ${formatDuration(ran)}` : "";
    observe(
      status,
      "Assigned",
      "True",
      "JobCompleted",
      `${job.repository}: "${job.name}" ended${took}: ${job.conclusion ?? "no conclusion"}`,
      nowMs,
    );
  } else {
    observe(status, "Assigned", "True", "JobInProgress", `runs ${job.repository}: "${job.name}"`, nowMs);
  }
  summarise(status, nowMs);
  return true;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
