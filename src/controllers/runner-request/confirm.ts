import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import { isGitHubError } from "../../github/errors.ts";
import type { GitHub, JobRecord } from "../../github/types.ts";
import { type JobReport, recordAssignedJob, recordOwnJob } from "../../request/job-record.ts";
import type { Pass } from "./pass.ts";

/** reportOf reads GitHub's answer about the job that asked as a webhook would have told it. */
function reportOf(pass: Pass, job: JobRecord): JobReport {
  const { repository, name, htmlUrl } = pass.request.spec.job;
  const state = job.status === "completed" ? "Completed" : job.status === "in_progress" ? "InProgress" : "Queued";
  return {
    id: job.id,
    repository,
    name,
    htmlUrl,
    state,
    conclusion: job.conclusion,
    runnerName: job.runnerName,
    startedAt: job.startedAt,
    completedAt: job.completedAt,
  };
}

/**
 * refreshOwnJob reads the job that asked at GitHub and records what it says. It fails open: when GitHub does not answer, the last
 * known state holds, because a job must not lose its runner to an outage of an API. Returns false when GitHub did not answer.
 */
export async function refreshOwnJob(pass: Pass, github: GitHub): Promise<boolean> {
  const { job } = pass.request.spec;
  try {
    const record = await github.getJob(job.repository, job.id, pass.signal);
    // 404 may also mean that the App lost sight of the repository for a while: no reason to give the job up.
    if (record === undefined) return false;
    const report = reportOf(pass, record);
    recordOwnJob(pass.status, report, pass.nowMs);
    // By name and not by the stored registration: an earlier process may have started the runner without storing it.
    if (parseRunnerName(report.runnerName ?? "")?.request === pass.key.name) recordAssignedJob(pass.status, report, pass.nowMs);
    return true;
  } catch (error) {
    if (!isGitHubError(error)) throw error;
    pass.log.info({ code: error.code, job: job.id }, "could not read the job at GitHub, going on with what is known");
    return false;
  }
}

/** confirmNeeded asks GitHub about the job before something is started for it; the last known state holds when GitHub does not answer. */
export async function confirmNeeded(pass: Pass, github: GitHub): Promise<boolean> {
  await refreshOwnJob(pass, github);
  return pass.status.assignedJob === undefined && pass.isNeeded();
}

/** refreshAssignedJob asks GitHub what became of the job that the request's runner took, when its event is missing. */
export async function refreshAssignedJob(pass: Pass, github: GitHub): Promise<void> {
  const job = pass.status.assignedJob;
  if (job === undefined) return;
  try {
    const record = await github.getJob(job.repository, job.id, pass.signal);
    if (record?.status !== "completed") return;
    const { runnerName, conclusion, completedAt } = record;
    recordAssignedJob(pass.status, { ...job, state: "Completed", conclusion, completedAt, runnerName }, pass.nowMs);
  } catch (error) {
    if (!isGitHubError(error)) throw error;
    pass.log.info({ code: error.code, job: job.id }, "could not read the runner's job at GitHub yet");
  }
}
