import { bounds } from "./bounds.ts";
import type { Evidence, JobFacts } from "./evidence.ts";
import { about, type Detail, named } from "./finding.ts";
import { isCovered } from "./layout.ts";
import { jobTimeoutMs } from "./script.ts";

/** ranOnce finds what went wrong with a covered job; one that was cancelled may have run or not. */
export function ranOnce(job: JobFacts): Detail[] {
  const { startedBy, cancelled, conclusion, wanted, excuse, status } = job;
  if (startedBy.length > 1) return [about(`${named(job)} ran on ${startedBy.join(" and ")}`, [job.id])];
  if (!isCovered(job.coverage) || cancelled) return [];
  if (startedBy.length === 0) return [about(`${named(job)} never ran: ${status} ${conclusion ?? ""}`.trim(), [job.id])];
  if (status !== "completed") return [about(`${named(job)} is still ${status} on ${startedBy.join()}`, [job.id])];
  if (conclusion !== wanted && excuse === undefined && !wasOverdue(job)) {
    const how = `ended as ${conclusion} instead of ${wanted} on ${startedBy.join()}, and the script did not do that`;
    return [about(`${named(job)} ${how}`, [job.id])];
  }
  return [];
}

/** outlived finds jobs that were allowed to run for longer than timeouts.job. */
export function outlived({ jobs }: Evidence): Detail[] {
  return (
    jobs
      .filter((job) => job.overlong && !job.cancelled && isCovered(job.coverage) && job.conclusion === job.wanted)
      // Whoever takes the finalizer from its runner's request takes the deadline with it: a busy runner of nobody is left alone.
      .filter((job) => job.excuse === undefined)
      .map((job) => about(`${named(job)} ran for ${job.ranMs} ms on ${job.startedBy.join()} and was not stopped`, [job.id]))
  );
}

/** interrupted finds jobs that were ended on their runner by nobody who may. */
export function interrupted({ jobs }: Evidence): Detail[] {
  return jobs
    .filter((job) => job.startedBy.length > 0 && job.conclusion === "cancelled" && !job.cancelled)
    .filter((job) => job.excuse === undefined && !wasOverdue(job))
    .map((job) => about(`${named(job)} was interrupted after ${job.ranMs} ms on ${job.startedBy.join(", ")}`, [job.id]));
}

/** Only a job that has had its time may be stopped for that. */
function wasOverdue({ overlong, ranMs }: JobFacts): boolean {
  return overlong && ranMs !== undefined && ranMs >= jobTimeoutMs - bounds.timeoutSlackMs;
}
