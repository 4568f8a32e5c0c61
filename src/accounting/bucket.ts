import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { type DeepReadonly, keyText } from "../kube/object.ts";
import { askedOf } from "../request/asked.ts";

/**
 * bucketOf names the bucket of a request: runners of one bucket carry the same labels, so GitHub gives any of its jobs to any of its
 * runners. Those are the target's labels and the override labels of the job as it spells them: to GitHub, cpu=4 and cpu=4.0 are two.
 */
export function bucketOf(request: DeepReadonly<RunnerRequest>): string {
  const { labels } = askedOf(request);
  // Spaces may be in labels, line breaks are not (see intake/plain-text.ts).
  return [targetTextOf(request), ...labels].join("\n");
}

/** targetTextOf is a request's target as "namespace/name". */
export function targetTextOf(request: DeepReadonly<RunnerRequest>): string {
  return keyText({ namespace: request.metadata.namespace ?? "", name: request.spec.targetRef.name });
}
