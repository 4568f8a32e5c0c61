import { isGitHubError } from "../../github/errors.ts";
import type { GitHub } from "../../github/types.ts";
import type { ObjectKey } from "../../kube/object.ts";
import type { RunnerScope } from "../runner-scope.ts";

/**
 * Deregistered is what GitHub said about a runner by its name.
 *
 * | answer | meaning |
 * |---|---|
 * | gone | no scope has it (any more), so it can get no job |
 * | busy | it works; nobody may stop its instance |
 * | unknown | a scope could not be asked now; a later sweep asks again |
 * | blind | no scope is left to ask: the targets are gone, or the App lost sight of their scopes |
 */
export type Deregistered = "gone" | "busy" | "unknown" | "blind";

/**
 * deregisterByName removes the registration of a runner whose instance shall go. It comes first: once the registration is gone, GitHub
 * cannot give the runner a job between our question and the stop of its instance. By name and not from a list of the whole scope,
 * because a list may miss a runner while others leave, and a miss would cost a job here.
 */
export async function deregisterByName(
  runner: string,
  scopes: readonly RunnerScope[],
  github: (app: ObjectKey) => GitHub | undefined,
  signal: AbortSignal,
): Promise<Deregistered> {
  let asked = 0;
  let unknown = false;
  for (const { app, scope } of scopes) {
    const client = github(app);
    if (client === undefined) {
      unknown = true;
      continue;
    }
    try {
      const found = await client.findRunner(scope, runner, signal);
      asked += 1;
      if (found === undefined) continue;
      if (found.busy || (await client.deleteRunner(scope, found.id, signal)) === "busy") return "busy";
    } catch (error) {
      if (!isGitHubError(error)) throw error;
      // A scope that GitHub does not show to the App says nothing, now or later; any other error may pass.
      if (error.code !== "NotFound") unknown = true;
    }
  }
  if (unknown) return "unknown";
  return asked === 0 ? "blind" : "gone";
}
