import type { GitHubApp } from "../../api/v1alpha1/github-app.ts";
import { isApiError } from "../../kube/api-error.ts";
import type { Client } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf } from "../../kube/object.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { App } from "../matching.ts";

/** AppStatusOptions are what a sweep writes into the status of GitHubApps with. */
export interface AppStatusOptions {
  readonly apps: Informer<GitHubApp>;
  readonly client: Client<GitHubApp>;
  readonly log: Logger;
}

type Status = NonNullable<App["status"]>;

/**
 * patchApp stores what a sweep remembers; `change` may say that there is nothing to store. It tells whether it was stored: somebody may
 * have been faster, or the API server be away, and then the next sweep writes it, and only a restart until then would know less.
 */
export async function patchApp(
  { apps, client, log }: AppStatusOptions,
  object: App,
  change: (status: Status) => Partial<Status> | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  // The controller of GitHubApps writes this status too, so the newest version is the base, and the patch holds the change alone.
  const base = apps.store.get(keyOf(object));
  const changed = base && change(base.status ?? {});
  if (base === undefined || changed === undefined) return false;
  try {
    apps.observe(await client.patchStatus(base, { ...base.status, ...changed }, { signal }));
    return true;
  } catch (error) {
    if (!isApiError(error)) throw error;
    log.debug({ appId: base.spec.appId, reason: error.reason }, "what a sweep remembers could not be stored");
    return false;
  }
}
