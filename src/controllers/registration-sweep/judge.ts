import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerRecord } from "../../github/types.ts";
import { isTrue } from "../../kube/conditions.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { isFinished, isRetiring } from "../../request/phase.ts";
import { standingOf } from "../../request/standing.ts";

type Request = DeepReadonly<RunnerRequest>;

/**
 * RunnerVerdict is what a registration is to one RunnerRequest of its name.
 *
 * | verdict | the registration |
 * |---|---|
 * | owned | belongs to the request, which takes care of it, or cannot be judged yet |
 * | unrecorded | was made for an attempt that the stored status does not know of |
 * | leftover | belongs to an attempt that is over |
 */
export type RunnerVerdict = "owned" | "unrecorded" | "leftover";

/** judgeRunner joins one registration with a request of its name, which must have been looked up after the runners were listed. */
export function judgeRunner(runner: string, attempt: number, request: Request): RunnerVerdict {
  if (request.status?.runner?.name === runner) return "owned";
  const standing = standingOf(request, attempt);
  switch (standing) {
    case "over":
      return "leftover";
    case "next":
      return "unrecorded";
    case "ahead":
      return "owned";
    case "open":
      // With an instance and without a registration it is being retired: the list dates from before.
      return request.status?.instance === undefined ? "unrecorded" : "owned";
    default:
      return standing satisfies never;
  }
}

/** mayBeRemoved tells whether a registration that belongs to nobody looks as if we had made it, and as if nobody used it. */
export function mayBeRemoved(runner: RunnerRecord, targets: Iterable<readonly string[]>): boolean {
  if (runner.busy || runner.status !== "offline") return false;
  const labels = new Set(runner.labels.map((label) => label.toLowerCase()));
  for (const target of targets) if (target.every((label) => labels.has(label.toLowerCase()))) return true;
  return false;
}

/** expectedRunner is the id that GitHub must list for a request: its runner was online, has no job as far as we know, and shall stay. */
export function expectedRunner({ status }: Request): number | undefined {
  if (status === undefined || isFinished(status) || isRetiring(status) || status.assignedJob !== undefined) return undefined;
  if (!isTrue(status.conditions, "Registered") || isTrue(status.conditions, "Assigned")) return undefined;
  if (status.instance === undefined || status.instance.state === "Stopped" || status.instance.state === "Stopping")
    return undefined;
  return status.runner?.id;
}
