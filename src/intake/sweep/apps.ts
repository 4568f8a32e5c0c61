import { apiUrl } from "../../github/api-url.ts";
import type { GitHub } from "../../github/types.ts";
import { getCondition } from "../../kube/conditions.ts";
import { keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import { type App, hostOf, type Target } from "../matching.ts";

/** SweptApp is one App at one API, however many GitHubApp objects stand for it. */
export interface SweptApp {
  /** Host, address of the API and id. */
  readonly key: string;
  readonly host: string;
  /** In the order of their keys. */
  readonly objects: readonly App[];
  /** The client of the first object that has one. */
  readonly github: GitHub;
}

/**
 * sweptApps groups the GitHubApps that are Ready and have a client. Whoever may write a GitHubApp can write down any App's id, and what is
 * swept with one object's key must not serve the targets of another: Ready for its present generation means that the API took this
 * object's own key, as a signature proves it for webhooks. That says something only of the API that was asked. A server that somebody
 * names in `apiUrl` takes every key, so objects are of one App only if they ask the same one.
 */
export function sweptApps(apps: Iterable<App>, clientOf: (key: ObjectKey) => GitHub | undefined): readonly SweptApp[] {
  const groups = new Map<string, { host: string; objects: App[]; github: GitHub }>();
  const sorted = [...apps].sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
  for (const app of sorted) {
    const github = clientOf(keyOf(app));
    const api = apiOf(app);
    if (github === undefined || api === undefined || !isReady(app)) continue;
    const host = hostOf(app);
    const key = `${host} ${api} ${app.spec.appId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { host, objects: [app], github });
    else group.objects.push(app);
  }
  return [...groups].map(([key, group]) => ({ key, ...group }));
}

/** The address that the App's client asks; undefined for one that no client can be made for. */
function apiOf({ spec }: App): string | undefined {
  try {
    return apiUrl(spec.url, spec.apiUrl);
  } catch {
    return undefined;
  }
}

/** isReady tells whether an object was found Ready as it is now. */
export function isReady({ metadata, status }: App | Target): boolean {
  const ready = getCondition(status?.conditions, "Ready");
  return ready?.status === "True" && ready.observedGeneration === metadata.generation;
}
