import type { Job } from "../sim/github/state/model.ts";
import type { Stage } from "./stage.ts";

/** Left is what stays of a job's runner when its request is let go: a process that never connects, or a registration without one. */
export type Left = "instance" | "registration";

/**
 * releaseOnceStarted lets a job's request go when its instance is there: the job is cancelled, so that nobody makes another request for it,
 * and what is left has no job, no request, and nobody else who would look at it.
 */
export function releaseOnceStarted(stage: Stage, job: Job, left: Left): void {
  const { requests, api, github, ecs, harm, journal, sulking } = stage;
  // A runner that connects would end when its registration goes, so that the net of registrations catches its instance as well.
  sulking.add(`job-${job.id}-1`);
  let done = false;
  requests.onChange((change) => {
    if (done || change.type === "delete") return;
    const { metadata, spec, status } = change.new;
    if (spec.job.id !== String(job.id) || status?.instance === undefined) return;
    done = true;
    const { name, uid } = metadata;
    const task = status.instance.providerId;
    harm.request(name, uid);
    const release = async (): Promise<void> => {
      github.cancelJob(job.id);
      // In this order the operator does not hear of the deletion before the request is gone.
      await api.dropFinalizers("runnerrequests", name);
      await api.delete("runnerrequests", name);
      if (left === "registration") ecs.failHost(task);
      journal.note("script", `request ${name} was let go, and its ${left} is left`);
    };
    void release().catch((error: unknown) => journal.note("harness", `request ${name} was not let go: ${String(error)}`));
  });
}
