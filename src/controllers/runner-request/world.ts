import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { RunnerTarget, RunnerTargetSpec } from "../../api/v1alpha1/runner-target.ts";
import type { GitHub, Scope } from "../../github/types.ts";
import type { Condition } from "../../kube/conditions.ts";
import { getCondition } from "../../kube/conditions.ts";
import type { DeepReadonly, ObjectKey } from "../../kube/object.ts";
import type { Provider, ResolvedClass } from "../../provider/types.ts";

/** ClassKey names a runner class of any kind. */
export interface ClassKey extends ObjectKey {
  readonly kind: string;
}

/** World is what a pass may look things up in: informer stores and clients, handed in by the composition root. */
export interface World {
  readonly target: (key: ObjectKey) => DeepReadonly<RunnerTarget> | undefined;
  readonly runnerClass: (key: ClassKey) => ResolvedClass | undefined;
  /**
   * Rungs of a class' ladder that a call passes over, for a while; asked right before the call, since one that is to be tried again is
   * given to one call at a time. `only` is the rung that the job asked for.
   */
  readonly avoid: (
    cls: ClassKey,
    call: { readonly uid: string; readonly attempt: number; readonly tries: number },
    only: string | undefined,
  ) => readonly string[];
  /** Whether this process still leads, by its own clock; asked right before something is started. */
  readonly leads: () => boolean;
  readonly provider: (classKind: string) => Provider | undefined;
  /** Whether the GitHubApp object exists: its client may only not be made yet. */
  readonly appExists: (app: ObjectKey) => boolean;
  /** The client of a GitHubApp; kept after the App is gone, so that what it registered can still be removed. */
  readonly github: (app: ObjectKey) => GitHub | undefined;
}

/** targetKeyOf names the target of a request. */
export function targetKeyOf(request: DeepReadonly<RunnerRequest>): ObjectKey {
  return { namespace: request.metadata.namespace ?? "", name: request.spec.targetRef.name };
}

/** appKeyOf names the GitHubApp of a target. */
export function appKeyOf(target: DeepReadonly<RunnerTarget>): ObjectKey {
  const ref = target.spec.githubAppRef;
  return { namespace: ref.namespace ?? target.metadata.namespace ?? "", name: ref.name };
}

/** classKeyOf names the class of a target. */
export function classKeyOf(target: DeepReadonly<RunnerTarget>): ClassKey {
  const ref = target.spec.classRef;
  return { kind: ref.kind, namespace: ref.namespace ?? target.metadata.namespace ?? "", name: ref.name };
}

/** scopeOf is where a target's runners register. */
export function scopeOf(scope: DeepReadonly<RunnerTargetSpec["scope"]>): Scope {
  return scope.repository === undefined ? { organization: scope.organization ?? "" } : { repository: scope.repository };
}

/** readiness is a target's Ready condition, if it speaks of the target's current spec. */
export function readiness(target: DeepReadonly<RunnerTarget>): Condition | undefined {
  const ready = getCondition(target.status?.conditions, "Ready");
  return ready?.observedGeneration === target.metadata.generation ? ready : undefined;
}
