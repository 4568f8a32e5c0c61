import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import type { DeepReadonly } from "../kube/object.ts";
import { parseLabels } from "../overrides/parse.ts";

/**
 * missingLabels are the ordinary labels of a request's job that its target does not have (any more). A runner registers the labels that
 * the target has when it is launched, with the override labels of its job, and GitHub gives it only jobs whose labels are among them.
 */
export function missingLabels(request: DeepReadonly<RunnerRequest>, target: DeepReadonly<RunnerTarget>): string[] {
  const offered = new Set(target.spec.labels.map((label) => label.toLowerCase()));
  return parseLabels(request.spec.job.labels).plain.filter((label) => !offered.has(label.toLowerCase()));
}

/** isCovered tells whether a request's target, if there is one, still serves its job. */
export function isCovered(request: DeepReadonly<RunnerRequest>, target: DeepReadonly<RunnerTarget> | undefined): boolean {
  return target !== undefined && missingLabels(request, target).length === 0;
}
