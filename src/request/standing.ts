import { runnerFinalizer } from "../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../kube/object.ts";
import { isFinished } from "./phase.ts";

/**
 * Standing is what a request's stored status says of an attempt that something outside belongs to.
 *
 * | standing | the attempt |
 * |---|---|
 * | over | has ended, or the request has its outcome or was cleaned up: nothing of it may be left |
 * | open | goes on |
 * | next | is the one that would begin next, so that somebody has begun it without storing it |
 * | ahead | is further than the stored status, which is older than what was seen |
 */
export type Standing = "over" | "open" | "next" | "ahead";

/**
 * standingOf places an attempt in a request's life. The request may be older than the truth, when this process has just become the
 * leader; "over" is safe all the same, because an attempt that ended, an outcome and a removed finalizer never come back.
 */
export function standingOf({ metadata, status }: DeepReadonly<RunnerRequest>, attempt: number): Standing {
  // Without the finalizer nothing of it may be left outside, unless it was made by hand a moment ago and never visited.
  if (!metadata.finalizers?.includes(runnerFinalizer)) return status === undefined ? "ahead" : "over";
  const newest = status?.attempts?.at(-1);
  const number = newest?.number ?? 0;
  const open = newest !== undefined && newest.endedAt === undefined;
  if (attempt < number || (attempt === number && !open)) return "over";
  // The attempt after the newest one begins only once that has ended.
  if (attempt > number + 1 || (attempt > number && open)) return "ahead";
  // The outcome was stored after GitHub and the provider had been asked for leftovers: what is seen now was not shown then.
  if (isFinished(status)) return "over";
  return attempt === number ? "open" : "next";
}
