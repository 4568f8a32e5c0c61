import { bounds } from "./bounds.ts";
import type { Evidence } from "./evidence.ts";
import { about, type Detail } from "./finding.ts";
import { isCovered, rejecting, servesRepository } from "./layout.ts";

/** strangers finds requests that nobody may have made: the script says who covers a job, whatever the operator's matching says. */
export function strangers({ requests, jobs }: Evidence): Detail[] {
  const known = new Map(jobs.map((job) => [String(job.id), job]));
  return requests.flatMap(({ name, jobId, repository, target }) => {
    const wrong = (why: string): Detail[] => [about(`request ${name} of target ${target} ${why}`, [Number(jobId)])];
    const job = known.get(jobId);
    if (job === undefined) return wrong(`is for job ${jobId}, which nobody queued`);
    if (job.coverage === "rejected" && target === rejecting) return [];
    if (!isCovered(job.coverage)) return wrong(`is for a job that nobody covers (${job.coverage})`);
    if (job.coverage !== target) return wrong(`is for a job of target ${job.coverage}`);
    if (job.repository !== repository) return wrong(`says ${repository}, and its job is of ${job.repository}`);
    if (!servesRepository(target, repository)) return wrong(`is for ${repository}, which that target does not serve`);
    return [];
  });
}

/**
 * tooMany compares the runners that no job came of with what may have made them needless. A job that ran explains its runner, whosever
 * job it was. Of the others, each needs a cause: a cancelled job, a job that GitHub kept back, something that hit a runner or its
 * request. What is left is late news (a job's runner is taken before its event comes), which stays far below one for each job, as
 * somebody who starts every runner twice, or serves jobs again that are served, would have it.
 */
export function tooMany({ jobs, launches }: Evidence): Detail[] {
  const covered = jobs.filter(({ coverage }) => isCovered(coverage));
  const cancelled = covered.filter((job) => job.cancelled).length;
  const room = Math.max(5, Math.ceil(covered.length * bounds.needlessRunners));
  const explained = cancelled + launches.keptBack + launches.hits;
  if (launches.idle <= explained + room) return [];
  return [
    about(
      `${launches.idle} of ${launches.tasks} runners got no job: ${cancelled} jobs were cancelled, ${launches.keptBack} kept back, ${launches.hits} runners or requests hit, and ${room} more may be needless`,
    ),
  ];
}
