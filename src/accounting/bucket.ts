import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { type DeepReadonly, keyText } from "../kube/object.ts";

/**
 * bucketOf names the bucket of a request: runners of one bucket carry the same labels, so GitHub gives any of its jobs to any of its
 * runners. Today every runner of a target has the target's labels, so the bucket is the target.
 */
export function bucketOf(request: DeepReadonly<RunnerRequest>): string {
  return keyText({ namespace: request.metadata.namespace ?? "", name: request.spec.targetRef.name });
}
