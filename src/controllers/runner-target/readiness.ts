import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import type { readyReasons } from "../../api/v1alpha1/reasons.ts";
import type { RunnerTarget } from "../../api/v1alpha1/runner-target.ts";
import { type Condition, getCondition } from "../../kube/conditions.ts";
import { type DeepReadonly, keyText, type ObjectKey } from "../../kube/object.ts";
import { globMatches } from "../../util/glob.ts";

/** Verdict is a Ready condition before its time is set. */
export interface Verdict {
  readonly status: Condition["status"];
  readonly reason: keyof (typeof readyReasons)["RunnerTarget"];
  readonly message: string;
}

/** ClassView is what a target's readiness needs of a class of any kind. */
export interface ClassView {
  readonly generation: number;
  readonly access: readonly { readonly namespaces: readonly string[] }[] | undefined;
  readonly ready: Condition | undefined;
}

/** judge says whether a target can serve jobs: what it refers to exists, admits it and is Ready. */
export function judge(
  target: DeepReadonly<RunnerTarget>,
  app: { readonly key: ObjectKey; readonly found: DeepReadonly<GitHubApp> | undefined },
  cls: { readonly kind: string; readonly key: ObjectKey; readonly found: ClassView | undefined },
): Verdict {
  const namespace = target.metadata.namespace ?? "";
  const appName = `GitHubApp ${keyText(app.key)}`;
  if (app.found === undefined) return no("GitHubAppNotFound", `${appName} does not exist`);
  if (!admits(app.key.namespace, app.found.spec.access, namespace)) {
    return no(
      "GitHubAppAccessDenied",
      `${appName} does not admit namespace ${namespace}: its owner has to add it to spec.access`,
    );
  }
  const beyond = beyondAccess(target, app.key.namespace, app.found.spec.access);
  if (beyond !== undefined) return no("GitHubAppAccessDenied", `${appName} ${beyond}`);
  const appReady = getCondition(app.found.status?.conditions, "Ready");
  if (appReady?.status !== "True" || appReady.observedGeneration !== app.found.metadata.generation)
    return waits("GitHubAppNotReady", appName, appReady);

  const className = `${cls.kind} ${keyText(cls.key)}`;
  if (cls.found === undefined) return no("ClassNotFound", `${className} does not exist`);
  if (!admits(cls.key.namespace, cls.found.access, namespace)) {
    return no("ClassAccessDenied", `${className} does not admit namespace ${namespace}: its owner has to add it to spec.access`);
  }
  const classReady = cls.found.ready;
  if (classReady?.status !== "True" || classReady.observedGeneration !== cls.found.generation) {
    return waits("ClassNotReady", className, classReady);
  }
  if (target.spec.paused) return { status: "True", reason: "Paused", message: "launches are paused; jobs are recorded and wait" };
  return { status: "True", reason: "Ready", message: "serves jobs" };
}

/**
 * What of a target's scope the App's access does not give to its namespace. GitHub hands jobs to a runner by its scope, whatever the
 * target serves: a runner of an organisation takes jobs of all repositories that its group admits, so it takes the whole organisation.
 */
function beyondAccess(
  { metadata, spec }: DeepReadonly<RunnerTarget>,
  owner: string,
  access: DeepReadonly<GitHubApp>["spec"]["access"],
): string | undefined {
  const namespace = metadata.namespace ?? "";
  const grants = access?.filter((entry) => entry.namespaces.includes(namespace)) ?? [];
  if (access === undefined ? owner === namespace : grants.some(({ repositories }) => repositories === undefined))
    return undefined;
  const globs = grants.flatMap(({ repositories = [] }) => repositories);
  const { organization, repository } = spec.scope;
  if (repository !== undefined) {
    if (globs.some((glob) => globMatches(glob, repository))) return undefined;
    return `does not give ${repository} to namespace ${namespace}: its owner has to add it to spec.access`;
  }
  const wholes = globs.filter((glob) => glob.endsWith("/*"));
  if (wholes.some((glob) => globMatches(glob, `${organization}/any`))) return undefined;
  return `gives namespace ${namespace} some repositories of ${organization} only, and runners of an organization take jobs of all of them: make a RunnerTarget for each repository (scope.repository), or have its owner grant ${organization}/*`;
}

/** Whether an object of `owner` may be used from `namespace`: without an access only at home, else only where it says so. */
function admits(
  owner: string,
  access: readonly { readonly namespaces: readonly string[] }[] | undefined,
  namespace: string,
): boolean {
  if (access === undefined) return owner === namespace;
  return access.some((entry) => entry.namespaces.includes(namespace));
}

function no(reason: Verdict["reason"], message: string): Verdict {
  return { status: "False", reason, message };
}

function waits(reason: Verdict["reason"], what: string, ready: Condition | undefined): Verdict {
  if (ready === undefined || ready.status === "Unknown")
    return { status: "Unknown", reason, message: `${what} was not checked yet` };
  if (ready.status === "True") return { status: "Unknown", reason, message: `the newest spec of ${what} was not checked yet` };
  return no(reason, `${what} is not Ready: ${ready.reason}: ${ready.message}`);
}
