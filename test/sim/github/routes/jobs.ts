import { ApiError, notFound } from "../errors.ts";
import { renderJob, renderRun } from "../render/job.ts";
import { cancelJob, latestJobs, rerunJobs, runStatus } from "../state/jobs.ts";
import type { Job, Run } from "../state/model.ts";
import { type Handler, page, param, type RestCall, visibleRepository } from "./call.ts";

/** GitHub stops filtered run lists here, whatever the pages say. */
const runListLimit = 1_000;

function jobOf(call: RestCall, level: "read" | "write"): Job {
  const repository = visibleRepository(call, "actions", level);
  const job = call.world.jobs.get(Number(param(call, "job_id")));
  if (!job || job.run.repository !== repository) throw notFound();
  return job;
}

function runOf(call: RestCall, level: "read" | "write"): Run {
  const repository = visibleRepository(call, "actions", level);
  const run = call.world.runs.get(Number(param(call, "run_id")));
  if (!run || run.repository !== repository) throw notFound();
  return run;
}

/** createdWithin understands the forms of GitHub's `created` search: a date, `>=`, `<=`, `>`, `<` and `a..b`. */
function createdWithin(expression: string | null, at: number): boolean {
  if (expression === null || expression === "") return true;
  const moment = (text: string) => (text === "*" ? undefined : Date.parse(text));
  const [from, to] = expression.split("..");
  if (from !== undefined && to !== undefined) return at >= (moment(from) ?? 0) && at <= (moment(to) ?? Number.POSITIVE_INFINITY);
  const [, operator, text] = /^(>=|<=|>|<)?(.+)$/.exec(expression) ?? [];
  const limit = Date.parse(text ?? "");
  if (Number.isNaN(limit)) throw new ApiError(422, `The created expression ${expression} is not understood`);
  switch (operator) {
    case ">=":
      return at >= limit;
    case ">":
      return at > limit;
    case "<=":
      return at <= limit;
    case "<":
      return at < limit;
    case undefined:
    default:
      return at >= limit && at < limit + 24 * 60 * 60 * 1000;
  }
}

/** jobRoutes: jobs and runs, reading and steering. */
export const jobRoutes: Readonly<Record<string, Handler>> = {
  "actions/get-job-for-workflow-run": (call) => ({ status: 200, body: renderJob(call.world, jobOf(call, "read")) }),

  "actions/re-run-job-for-workflow-run": (call) => {
    const job = jobOf(call, "write");
    rerunJobs(call.world, job.run, (candidate) => candidate.key === job.key);
    return { status: 201, body: {} };
  },

  "actions/list-workflow-runs-for-repo": (call) => {
    const repository = visibleRepository(call, "actions", "read");
    const wanted = call.query.get("status");
    const runs = [...call.world.runs.values()]
      .filter((run) => run.repository === repository)
      .filter((run) => {
        const { status, conclusion } = runStatus(run);
        return wanted === null || wanted === status || wanted === conclusion;
      })
      .filter((run) => createdWithin(call.query.get("created"), run.createdAt))
      .filter(
        (run) => [run.event, null].includes(call.query.get("event")) && [run.headBranch, null].includes(call.query.get("branch")),
      )
      .sort((a, b) => b.createdAt - a.createdAt || b.id - a.id);
    const shown = call.query.size > 0 ? runs.slice(0, runListLimit) : runs;
    const { items, headers } = page(call, shown);
    return {
      status: 200,
      headers,
      body: { total_count: runs.length, workflow_runs: items.map((run) => renderRun(call.world, run)) },
    };
  },

  "actions/get-workflow-run": (call) => ({ status: 200, body: renderRun(call.world, runOf(call, "read")) }),

  "actions/list-jobs-for-workflow-run": (call) => {
    const run = runOf(call, "read");
    const jobs = call.query.get("filter") === "all" ? run.jobs : latestJobs(run);
    const { items, headers } = page(call, jobs);
    return { status: 200, headers, body: { total_count: jobs.length, jobs: items.map((job) => renderJob(call.world, job)) } };
  },

  "actions/cancel-workflow-run": (call) => {
    const run = runOf(call, "write");
    if (runStatus(run).status === "completed") throw new ApiError(409, "Cannot cancel a workflow run that is completed.");
    for (const job of latestJobs(run)) cancelJob(call.world, job);
    return { status: 202, body: {} };
  },

  "actions/re-run-workflow": (call) => {
    rerunJobs(call.world, runOf(call, "write"), () => true);
    return { status: 201, body: {} };
  },

  "actions/re-run-workflow-failed-jobs": (call) => {
    rerunJobs(call.world, runOf(call, "write"), (job) => job.conclusion !== "success" && job.conclusion !== "skipped");
    return { status: 201, body: {} };
  },
};
