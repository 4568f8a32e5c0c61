import type { GitHub } from "../../github/types.ts";
import { getCondition } from "../../kube/conditions.ts";
import { keyOf, keyText, type ObjectKey } from "../../kube/object.ts";
import { type App, hostOf } from "../matching.ts";

/** SweptApp is one App on one host, however many GitHubApp objects stand for it. */
export interface SweptApp {
  /** Host and id. */
  readonly key: string;
  readonly host: string;
  /** In the order of their keys. */
  readonly objects: readonly App[];
  /** The client of the first object that has one. */
  readonly github: GitHub;
}

/**
 * sweptApps groups the GitHubApps that are Ready and have a client. Whoever may write a GitHubApp can write down any App's id, and what is
 * swept with one object's key must not serve the targets of another: Ready for its present generation means that GitHub took this
 * object's own key, as a signature proves it for webhooks.
 */
export function sweptApps(apps: Iterable<App>, clientOf: (key: ObjectKey) => GitHub | undefined): readonly SweptApp[] {
  const groups = new Map<string, { host: string; objects: App[]; github: GitHub }>();
  const sorted = [...apps].sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
  for (const app of sorted) {
    const github = clientOf(keyOf(app));
    if (github === undefined || !isReady(app)) continue;
    const host = hostOf(app);
    const key = `${host} ${app.spec.appId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { host, objects: [app], github });
    else group.objects.push(app);
  }
  return [...groups].map(([key, group]) => ({ key, ...group }));
}

function isReady(app: App): boolean {
  const ready = getCondition(app.status?.conditions, "Ready");
  return ready?.status === "True" && ready.observedGeneration === app.metadata.generation;
}
