import { runnerFinalizer } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import type { Instance } from "../../provider/types.ts";
import { isFinished } from "../../request/phase.ts";

/**
 * InstanceVerdict is what an instance is to the RunnerRequests.
 *
 * | verdict | the instance |
 * |---|---|
 * | owned | belongs to its request, which takes care of it, or cannot be judged yet |
 * | unrecorded | was started for an attempt that the stored status does not know of |
 * | superseded | belongs to an attempt that is over, or its attempt has another instance |
 * | orphan | names a request that the local copy does not have |
 */
export type InstanceVerdict = "owned" | "unrecorded" | "superseded" | "orphan";

/**
 * judgeInstance joins one live instance with the request of its uid. The request must have been looked up after the instance was
 * listed. It may still be older than the truth when this process has just become the leader, so only what never goes back counts
 * against an instance: an attempt that ended, an outcome, a removed finalizer.
 */
export function judgeInstance(instance: Instance, request: DeepReadonly<RunnerRequest> | undefined): InstanceVerdict {
  if (request === undefined) return "orphan";
  const { metadata, status } = request;
  const { attempt } = instance;
  if (attempt === undefined) return "owned";
  // Without the finalizer nothing of it may be left outside, unless it was made by hand a moment ago and never visited.
  if (!metadata.finalizers?.includes(runnerFinalizer)) return status === undefined ? "owned" : "superseded";
  const newest = status?.attempts?.at(-1);
  const number = newest?.number ?? 0;
  const open = newest !== undefined && newest.endedAt === undefined;
  if (attempt < number || (attempt === number && !open)) return "superseded";
  if (attempt === number) {
    if (status?.instance === undefined) return isFinished(status) ? "superseded" : "unrecorded";
    return status.instance.providerId === instance.id ? "owned" : "superseded";
  }
  // The attempt after the newest one begins only once that has ended; anything else is news that the local copy does not have yet.
  if (attempt !== number + 1 || open) return "owned";
  // The outcome was stored after the provider had been asked for leftovers, so what is seen now was not shown then.
  return isFinished(status) ? "superseded" : "unrecorded";
}
