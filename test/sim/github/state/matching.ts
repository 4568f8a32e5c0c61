import { groupAdmits } from "./accounts.ts";
import type { Job, Runner } from "./model.ts";

/** labelsMatch is GitHub's rule: every label of the job is a label of the runner, whatever the case. An empty list matches all. */
export function labelsMatch(jobLabels: readonly string[], runnerLabels: readonly string[]): boolean {
  const offered = new Set(runnerLabels.map((label) => label.toLowerCase()));
  return jobLabels.every((label) => offered.has(label.toLowerCase()));
}

/** scopeAdmits tells whether a runner's place and group let it serve the job's repository. */
export function scopeAdmits(runner: Runner, job: Job): boolean {
  const { repository } = job.run;
  switch (runner.scope.kind) {
    case "repository":
      return runner.scope.repository === repository;
    case "organization":
      return runner.scope.account === repository.owner && groupAdmits(runner.group, repository);
    default:
      return runner.scope satisfies never;
  }
}

/** canTake is the whole decision, for a runner that idles online and a job that waits. Nothing ties the two together beyond this. */
export function canTake(runner: Runner, job: Job): boolean {
  if (job.hosted) return false;
  if (job.group !== undefined && job.group.toLowerCase() !== runner.group.name.toLowerCase()) return false;
  return scopeAdmits(runner, job) && labelsMatch(job.labels, runner.labels);
}
