import { idText, text } from "./shape.ts";
import type { JobRecord, RunJobRecord } from "./types.ts";

/** RawJob is the part of a job that is read, as GitHub sends it. */
export interface RawJob {
  readonly id: number | bigint;
  readonly run_id: number | bigint;
  readonly status: string;
  readonly conclusion: string | null;
  readonly runner_name: string | null;
  readonly started_at?: string | null;
  readonly completed_at: string | null;
}

/** RawRunJob is a job with the fields that only lists are read for; older servers leave some of them out. */
export interface RawRunJob extends RawJob {
  readonly name: string;
  readonly labels?: readonly string[];
  readonly run_attempt?: number;
  readonly workflow_name?: string | null;
  readonly head_branch?: string | null;
  readonly html_url?: string | null;
  readonly created_at?: string;
}

/** toJobRecord reads a job. */
export function toJobRecord(job: RawJob): JobRecord {
  return {
    id: idText(job.id),
    runId: idText(job.run_id),
    status: text(job.status) as JobRecord["status"],
    conclusion: job.conclusion ?? undefined,
    // null, "" and missing all mean none.
    runnerName: job.runner_name || undefined,
    startedAt: job.started_at || undefined,
    completedAt: job.completed_at ?? undefined,
  };
}

/** toRunJobRecord reads a job with what a webhook would tell of it. */
export function toRunJobRecord(job: RawRunJob): RunJobRecord {
  return {
    ...toJobRecord(job),
    name: text(job.name),
    labels: Array.isArray(job.labels) ? job.labels.map(text) : undefined,
    runAttempt: job.run_attempt,
    workflowName: job.workflow_name ?? undefined,
    headBranch: job.head_branch ?? undefined,
    htmlUrl: job.html_url ?? undefined,
    createdAt: job.created_at,
  };
}
