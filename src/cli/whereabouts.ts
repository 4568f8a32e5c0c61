import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { RunnerTarget } from "../api/v1alpha1/runner-target.ts";
import type { Whereabouts } from "../controllers/instance-sweep/registration.ts";
import { appKeyOf, type ClassKey, classKeyOf, scopeOf, targetKeyOf, type World } from "../controllers/runner-request/world.ts";
import { distinctScopes, type RunnerScope } from "../controllers/runner-scope.ts";
import { type DeepReadonly, parseKey } from "../kube/object.ts";
import type { Instance } from "../provider/types.ts";

type Target = DeepReadonly<RunnerTarget>;
type Request = DeepReadonly<RunnerRequest>;

/**
 * whereaboutsOf tells where the runner of an instance may be registered. A class may be shared by many teams: a runner is looked for
 * where its own request or the instance itself says, so that no other team's App is asked, or waited for, without need.
 */
export function whereaboutsOf(
  world: Pick<World, "target" | "github" | "appExists">,
  targets: () => Iterable<Target>,
  cls: ClassKey,
  instance: Pick<Instance, "registeredIn">,
  request: Request | undefined,
): Whereabouts {
  const ofClass = (): RunnerScope[] =>
    distinctScopes(
      [...targets()]
        .filter((target) => sameClass(classKeyOf(target), cls))
        .map(scopeOfTarget)
        .filter((scope) => canAnswer(world, scope)),
    );
  if (request !== undefined) {
    const target = world.target(targetKeyOf(request));
    const likely = distinctScopes([...scopeOfRequest(request), ...(target === undefined ? [] : [scopeOfTarget(target)])]);
    return likely.length > 0 ? { likely, others: [], lost: false } : { likely, others: ofClass(), lost: true };
  }
  const { registeredIn } = instance;
  if (registeredIn === undefined) return { likely: [], others: ofClass(), lost: false };
  const { app, scope } = registeredIn;
  const its = { app: parseKey(app), scope: scope.includes("/") ? { repository: scope } : { organization: scope } };
  return canAnswer(world, its) ? { likely: [its], others: [], lost: false } : { likely: [], others: ofClass(), lost: true };
}

/** canAnswer is false of an App that was deleted before this process could make its client: as if the scope were unknown. */
export function canAnswer({ github, appExists }: Pick<World, "github" | "appExists">, { app }: RunnerScope): boolean {
  return github(app) !== undefined || appExists(app);
}

/** scopeOfTarget is where a target's runners register. */
export function scopeOfTarget(target: Target): RunnerScope {
  return { app: appKeyOf(target), scope: scopeOf(target.spec.scope) };
}

/** scopeOfRequest is where a request's runner is registered, if it has one. */
export function scopeOfRequest(request: Request): RunnerScope[] {
  const runner = request.status?.runner;
  return runner === undefined ? [] : [{ app: runner.githubAppRef, scope: scopeOf(runner.scope) }];
}

/** sameClass compares names of classes. */
export function sameClass(a: ClassKey, b: ClassKey): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}
