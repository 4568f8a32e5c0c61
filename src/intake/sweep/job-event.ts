import type { JobState } from "../../api/v1alpha1/job-state.ts";
import type { RunJobRecord, RunRecord } from "../../github/types.ts";
import { type JobAction, readEvent } from "../event.ts";
import type { UsableEvent } from "../handler.ts";

/** JobPlace is where a job is: a list of jobs does not say it. */
export type JobPlace = Pick<RunRecord, "repository" | "visibility">;

const actions: Readonly<Record<JobState, JobAction>> = { Queued: "queued", InProgress: "in_progress", Completed: "completed" };

/** stateOf is a job's state in our words; undefined for a job that waits at a gate, which is announced as queued once it is open. */
export function stateOf(job: Pick<RunJobRecord, "status">): JobState | undefined {
  switch (job.status) {
    case "queued":
      return "Queued";
    case "in_progress":
      return "InProgress";
    case "completed":
      return "Completed";
    case "waiting":
    case "requested":
    case "pending":
      return undefined;
    default:
      // GitHub may add states; what is not known asks for nothing.
      job.status satisfies never;
      return undefined;
  }
}

/**
 * jobEvent makes of an answer the event that the webhook would have brought, through the same reader: both are texts of strangers.
 * Undefined when no webhook of this state exists, or when the answer lacks what makes it a job.
 */
export function jobEvent(job: RunJobRecord, { repository, visibility }: JobPlace): UsableEvent | undefined {
  const state = stateOf(job);
  if (state === undefined || job.labels === undefined) return undefined;
  const event = readEvent("workflow_job", {
    action: actions[state],
    workflow_job: {
      id: job.id,
      run_id: job.runId,
      run_attempt: job.runAttempt,
      name: job.name,
      workflow_name: job.workflowName,
      head_branch: job.headBranch,
      html_url: job.htmlUrl,
      labels: job.labels,
      conclusion: job.conclusion,
      runner_name: job.runnerName,
      created_at: job.createdAt,
      started_at: job.startedAt,
      completed_at: job.completedAt,
    },
    repository: { full_name: repository, visibility },
  });
  return event.kind === "malformed" ? undefined : event;
}
