import type { Caller } from "./caller.ts";
import { refusalError } from "./refusal.ts";
import { type RawRunner, toRunnerRecord } from "./runner-record.ts";
import { organizationParameters, repositoryParameters } from "./scope.ts";
import type { RunnerRecord, Scope } from "./types.ts";

/** getRunner reads a runner by its id; undefined when GitHub has none. */
export async function getRunner(
  caller: Caller,
  scope: Scope,
  id: number,
  signal: AbortSignal,
): Promise<RunnerRecord | undefined> {
  const answer = await caller.inScope<RawRunner>(
    scope,
    {
      operation: "getRunner",
      send: (request) =>
        "organization" in scope
          ? request("GET /orgs/{org}/actions/runners/{runner_id}", {
              ...organizationParameters(scope.organization),
              runner_id: id,
            })
          : request("GET /repos/{owner}/{repo}/actions/runners/{runner_id}", {
              ...repositoryParameters(scope.repository),
              runner_id: id,
            }),
    },
    signal,
  );
  if (answer.ok) return toRunnerRecord(answer.data);
  if (answer.status === 404) return undefined;
  throw refusalError("getRunner", scope, answer);
}
