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

/** awaitsJob tells whether a request's runner was online, has no job as far as we know, and shall stay. */
export function awaitsJob({ status }: Request): boolean {
  if (status === undefined || isFinished(status) || isRetiring(status) || status.assignedJob !== undefined) return false;
  if (!isTrue(status.conditions, "Registered") || isTrue(status.conditions, "Assigned")) return false;
  return status.instance !== undefined && status.instance.state !== "Stopped" && status.instance.state !== "Stopping";
}

/** expectedRunner is the id that GitHub must list for a request. */
export function expectedRunner(request: Request): number | undefined {
  return awaitsJob(request) ? request.status?.runner?.id : undefined;
}

/** Sight is what one list says of a runner that awaits a job. */
export type Sight = "busy" | "idle" | "unlisted";

/** Hearing is what earlier lists said of it: busy in the newest one, or in two in a row, so that somebody was told. */
export type Hearing = "busyOnce" | "told";

/**
 * hear judges a runner whose request has heard of no job by one more list. One list may be ahead of the event that tells of the job; two
 * of them are minutes apart, so the event is lost. What was told stays until a list shows the runner idle: one that a list misses while
 * others leave may work all the same.
 */
export function hear(before: Hearing | undefined, sight: Sight): { readonly now: Hearing | undefined; readonly tell?: boolean } {
  switch (sight) {
    case "busy":
      if (before === undefined) return { now: "busyOnce" };
      return before === "busyOnce" ? { now: "told", tell: true } : { now: before };
    case "idle":
      return before === "told" ? { now: undefined, tell: false } : { now: undefined };
    case "unlisted":
      return { now: before === "told" ? before : undefined };
    default:
      return sight satisfies never;
  }
}
