import type { GitHubApp } from "../api/v1alpha1/github-app.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../kube/object.ts";

type Indexes<T> = Readonly<Record<string, (object: DeepReadonly<T>) => readonly string[]>>;

/** appIdIndex finds the GitHubApps of an App's id, in whichever namespace and for whichever host they are. */
export const appIdIndex = "intake/app-id";
/** requestNameIndex finds RunnerRequests by name, in whichever namespace they are. */
export const requestNameIndex = "intake/request-name";

/** githubAppIndexes must be among the indexes of the GitHubApp informer that intake is given. */
export const githubAppIndexes: Indexes<GitHubApp> = { [appIdIndex]: (app) => [String(app.spec.appId)] };
/** runnerRequestIndexes must be among the indexes of the RunnerRequest informer that intake is given. */
export const runnerRequestIndexes: Indexes<RunnerRequest> = { [requestNameIndex]: (request) => [request.metadata.name] };
