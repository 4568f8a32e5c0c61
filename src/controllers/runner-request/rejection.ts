import type { Overrides } from "../../api/v1alpha1/overrides.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { policyProblems } from "../../overrides/policy.ts";
import type { Provider, ResolvedClass } from "../../provider/types.ts";
import { askedOf } from "../../request/asked.ts";
import { classKeyOf, type World } from "./world.ts";

type Request = DeepReadonly<RunnerRequest>;
type Target = DeepReadonly<RunnerTarget>;

/** Judgement is what a job's runner is made with, or why it cannot have the one that it asks for. */
export type Judgement = { readonly overrides: Overrides; readonly why?: never } | { readonly why: string };

/**
 * judgeShape says what a class makes of what a job's labels ask for, as far as the target lets it, or why there is no such runner: one
 * that cannot be read, one that the target does not allow, one that the class does not have. It costs no call.
 */
export function judgeShape(
  request: Request,
  target: Target,
  cls: ResolvedClass | undefined,
  provider: Provider | undefined,
): Judgement {
  const { overrides, labels, problems } = askedOf(request);
  const asks = labels.length > 0 || request.spec.overrides !== undefined;
  const policy = target.spec.overrides;
  const found = asks ? [...problems, ...policyProblems(overrides, policy, `RunnerTarget ${target.metadata.name}`)] : [];
  if (found.length === 0) {
    const resolution = cls && provider?.resolve(cls, overrides, policy);
    if (resolution === undefined) return { overrides };
    if (resolution.ok) return { overrides: resolution.overrides };
    // What the class itself cannot give is said by the class.
    if (!asks) return { overrides };
    found.push(...resolution.problems);
  }
  return { why: found.join("; ").slice(0, 300).toWellFormed() };
}

/** rejectionOf says why a request's target does not give its job the runner that it asks for; undefined when it does, as far as is known. */
export function rejectionOf(
  request: Request,
  target: Target,
  world: Pick<World, "runnerClass" | "provider">,
): string | undefined {
  const key = classKeyOf(target);
  return judgeShape(request, target, world.runnerClass(key), world.provider(key.kind)).why;
}
