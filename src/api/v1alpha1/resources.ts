import { group, version } from "../kind.ts";

/** The names by which the API server knows each kind; apart from the schemas, so that the operator does not load those at run time. */
function resource<Kind extends string, Plural extends string>(kind: Kind, plural: Plural) {
  return { group, version, kind, plural, namespaced: true } as const;
}

export const githubAppResource = resource("GitHubApp", "githubapps");
export const ecsRunnerClassResource = resource("ECSRunnerClass", "ecsrunnerclasses");
export const runnerTargetResource = resource("RunnerTarget", "runnertargets");
export const runnerRequestResource = resource("RunnerRequest", "runnerrequests");
