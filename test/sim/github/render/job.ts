import { runStatus } from "../state/jobs.ts";
import type { Job, Run } from "../state/model.ts";
import { fullName, type World } from "../state/world.ts";
import { nodeId, renderMinimalRepository, renderUser, time } from "./account.ts";

/** renderJob is a job as both the REST API and the event show it. */
export function renderJob(world: World, job: Job) {
  const name = fullName(job.run.repository);
  const api = `${world.url}/repos/${name}`;
  return {
    id: job.id,
    run_id: job.run.id,
    workflow_name: job.run.workflowName,
    head_branch: job.run.headBranch,
    run_url: `${api}/actions/runs/${job.run.id}`,
    run_attempt: job.attempt,
    node_id: nodeId("CR", job.id),
    head_sha: job.run.headSha,
    url: `${api}/actions/jobs/${job.id}`,
    html_url: `${world.settings.htmlUrl}/${name}/actions/runs/${job.run.id}/job/${job.id}`,
    status: job.status,
    conclusion: job.conclusion,
    created_at: time(job.createdAt),
    // Set long before the start: nobody may take it for one.
    started_at: time(job.startedAt ?? job.createdAt),
    completed_at: job.completedAt === undefined ? null : time(job.completedAt),
    name: job.name,
    steps: renderSteps(job),
    check_run_url: `${api}/check-runs/${job.id}`,
    labels: [...job.labels],
    // Before somebody started it a job has no runner, whoever it was assigned to.
    runner_id: job.runnerId ?? null,
    runner_name: job.runnerName ?? null,
    runner_group_id: job.runnerGroup?.id ?? null,
    runner_group_name: job.runnerGroup?.name ?? null,
  };
}

function renderSteps(job: Job) {
  if (job.runnerName === undefined || job.startedAt === undefined) return [];
  const done = job.status === "completed";
  return [
    {
      name: "Set up job",
      status: done ? ("completed" as const) : ("in_progress" as const),
      conclusion: done ? (job.conclusion === "cancelled" ? ("cancelled" as const) : ("success" as const)) : null,
      number: 1,
      started_at: time(job.startedAt),
      completed_at: done ? time(job.completedAt ?? job.startedAt) : null,
    },
  ];
}

/** renderRun is a workflow run as the REST API shows it. */
export function renderRun(world: World, run: Run) {
  const name = fullName(run.repository);
  const url = `${world.url}/repos/${name}/actions/runs/${run.id}`;
  const state = runStatus(run);
  const repository = renderMinimalRepository(world, run.repository);
  const actor = renderUser(world, sender);
  return {
    id: run.id,
    name: run.workflowName,
    node_id: nodeId("WFR", run.id),
    head_branch: run.headBranch,
    head_sha: run.headSha,
    path: ".github/workflows/ci.yaml",
    display_title: run.workflowName,
    run_number: run.number,
    run_attempt: run.attempt,
    event: run.event,
    status: state.status,
    conclusion: state.conclusion,
    workflow_id: 161_335,
    check_suite_id: run.id,
    check_suite_node_id: nodeId("CS", run.id),
    url,
    html_url: `${world.settings.htmlUrl}/${name}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: time(run.createdAt),
    updated_at: time(Math.max(run.createdAt, ...run.jobs.map((job) => job.completedAt ?? job.startedAt ?? 0))),
    run_started_at: time(run.createdAt),
    actor,
    triggering_actor: actor,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${world.url}/repos/${name}/check-suites/${run.id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null,
    workflow_url: `${world.url}/repos/${name}/actions/workflows/161335`,
    head_commit: null,
    repository,
    head_repository: repository,
  };
}

/** sender is the person behind every event. */
export const sender = { id: 583_231, login: "octocat", type: "User" } as const;
