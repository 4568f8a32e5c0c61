import type { Caller } from "./caller.ts";
import { refusalError } from "./refusal.ts";
import { organizationParameters, repositoryParameters } from "./scope.ts";
import type { Scope } from "./types.ts";

/** deleteRunner removes a registration. "busy" means that GitHub gave it a job and it must be left alone; that may lag for minutes. */
export async function deleteRunner(
  caller: Caller,
  scope: Scope,
  id: number,
  signal: AbortSignal,
): Promise<"deleted" | "gone" | "busy"> {
  const answer = await caller.inScope<unknown>(
    scope,
    {
      operation: "deleteRunner",
      send: (request) =>
        "organization" in scope
          ? request("DELETE /orgs/{org}/actions/runners/{runner_id}", {
              ...organizationParameters(scope.organization),
              runner_id: id,
            })
          : request("DELETE /repos/{owner}/{repo}/actions/runners/{runner_id}", {
              ...repositoryParameters(scope.repository),
              runner_id: id,
            }),
    },
    signal,
  );
  if (answer.ok) return "deleted";
  if (answer.status === 404) return "gone";
  if (answer.status === 422) return "busy";
  throw refusalError("deleteRunner", scope, answer);
}
