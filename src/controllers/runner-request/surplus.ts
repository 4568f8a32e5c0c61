import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { isTrue } from "../../kube/conditions.ts";
import { type DeepReadonly, keyOf, keyText } from "../../kube/object.ts";
import { isFinished, isRetiring } from "../../request/phase.ts";

type Request = DeepReadonly<RunnerRequest>;

/**
 * isSurplus tells whether one request is not needed any more, with its runner or before it has one: GitHub assigns by labels, so all runners of a target serve all of its
 * jobs, and a runner whose own job is gone may be the one that another job waits for. Of a target's requests
 *
 * - demand is the jobs still queued, whatever became of their own requests;
 * - supply is the live requests whose runner has no job yet.
 *
 * While supply exceeds demand, those whose own job is gone may leave, the least advanced first. The order is the same for everybody
 * who looks, so two of them that ask at once do not both take the same place.
 */
export function isSurplus(request: Request, siblings: Iterable<Request>): boolean {
  let demand = 0;
  let supply = 0;
  const candidates: { readonly text: string; readonly advance: number }[] = [];
  const own = keyText(keyOf(request));
  for (const stored of siblings) {
    // What this pass has learnt of the request itself is newer than the store.
    const sibling = keyText(keyOf(stored)) === own ? request : stored;
    // Of the finished ones only those count whose runner was taken by another job: the others were given up together with their job.
    const given = isFinished(sibling.status) && sibling.status?.assignedJob === undefined;
    if (jobStateOf(sibling) === "Queued" && !given) demand += 1;
    if (isFinished(sibling.status) || sibling.status?.assignedJob !== undefined || isLeaving(sibling)) continue;
    supply += 1;
    if (jobStateOf(sibling) !== "Queued") candidates.push({ text: keyText(keyOf(sibling)), advance: advanceOf(sibling) });
  }
  candidates.sort((a, b) => a.advance - b.advance || (a.text < b.text ? -1 : 1));
  return candidates.slice(0, Math.max(supply - demand, 0)).some((candidate) => candidate.text === own);
}

function jobStateOf(request: Request): string {
  return request.status?.job?.state ?? request.spec.job.state;
}

function isLeaving(request: Request): boolean {
  return request.metadata.deletionTimestamp !== undefined || (request.status !== undefined && isRetiring(request.status));
}

function advanceOf(request: Request): number {
  const conditions = request.status?.conditions;
  if (isTrue(conditions, "Registered")) return 2;
  return isTrue(conditions, "Launched") ? 1 : 0;
}
