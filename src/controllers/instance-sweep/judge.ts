import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import type { Instance } from "../../provider/types.ts";
import { standingOf } from "../../request/standing.ts";

/**
 * InstanceVerdict is what an instance is to the RunnerRequests.
 *
 * | verdict | the instance |
 * |---|---|
 * | owned | belongs to its request, which takes care of it, or cannot be judged yet |
 * | unrecorded | was started for an attempt that the stored status does not know of |
 * | superseded | belongs to an attempt that is over |
 * | doubled | belongs to the open attempt, which has another instance |
 * | orphan | names a request that the local copy does not have |
 */
export type InstanceVerdict = "owned" | "unrecorded" | "superseded" | "doubled" | "orphan";

/** judgeInstance joins one live instance with the request of its uid, which must have been looked up after the instance was listed. */
export function judgeInstance(instance: Instance, request: DeepReadonly<RunnerRequest> | undefined): InstanceVerdict {
  if (request === undefined) return "orphan";
  if (instance.attempt === undefined) return "owned";
  const standing = standingOf(request, instance.attempt);
  switch (standing) {
    case "over":
      return "superseded";
    case "next":
      return "unrecorded";
    case "ahead":
      return "owned";
    case "open": {
      const stored = request.status?.instance?.providerId;
      if (stored === undefined) return "unrecorded";
      return stored === instance.id ? "owned" : "doubled";
    }
    default:
      return standing satisfies never;
  }
}
