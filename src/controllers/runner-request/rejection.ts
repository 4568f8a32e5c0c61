import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { policyProblems } from "../../overrides/policy.ts";
import { askedOf } from "../../request/asked.ts";
import { classKeyOf, type World } from "./world.ts";

/**
 * rejectionOf says why a job's labels ask for a runner that it cannot have: one that cannot be read, one that the target does not allow,
 * one that the class does not have. Undefined when it can have it, as far as the class is known. It costs no call.
 */
export function rejectionOf(
  request: DeepReadonly<RunnerRequest>,
  target: DeepReadonly<RunnerTarget>,
  world: Pick<World, "runnerClass" | "provider">,
): string | undefined {
  const { overrides, labels, problems } = askedOf(request);
  if (labels.length === 0 && request.spec.overrides === undefined) return undefined;
  const policy = target.spec.overrides;
  const found = [...problems, ...policyProblems(overrides, policy, `RunnerTarget ${target.metadata.name}`)];
  if (found.length === 0) {
    const key = classKeyOf(target);
    const cls = world.runnerClass(key);
    const resolution = cls && world.provider(key.kind)?.resolve(cls, overrides, policy);
    if (resolution?.ok !== false) return undefined;
    found.push(...resolution.problems);
  }
  return found.join("; ").slice(0, 300).toWellFormed();
}
