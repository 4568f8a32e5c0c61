import type { Caller } from "./caller.ts";
import { pages } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { type RawRunner, toRunnerRecord } from "./runner-record.ts";
import { organizationParameters, repositoryParameters } from "./scope.ts";
import { list } from "./shape.ts";
import type { RunnerRecord, Scope } from "./types.ts";

/** listRunners reads all runners of a scope, in pages of 100; each page is a call with a deadline of its own. */
export async function listRunners(caller: Caller, scope: Scope, signal: AbortSignal): Promise<readonly RunnerRecord[]> {
  // A runner that is removed while the pages are read shifts the rest by one: duplicates and gaps are possible, duplicates are dropped.
  const byId = new Map<number, RunnerRecord>();
  for await (const raw of pages((page) => runnerPage(caller, scope, "listRunners", { per_page: 100, page }, signal))) {
    const runner = toRunnerRecord(raw);
    byId.set(runner.id, runner);
  }
  return [...byId.values()];
}

/** findRunner reads the runner of exactly this name; undefined when GitHub has none. */
export async function findRunner(
  caller: Caller,
  scope: Scope,
  name: string,
  signal: AbortSignal,
): Promise<RunnerRecord | undefined> {
  // GitHub filters by name, but servers that do not know the parameter yet return the first page of everything.
  for await (const raw of pages((page) => runnerPage(caller, scope, "findRunner", { name, per_page: 100, page }, signal))) {
    if (raw.name === name) return toRunnerRecord(raw);
  }
  return undefined;
}

async function runnerPage(
  caller: Caller,
  scope: Scope,
  operation: "listRunners" | "findRunner",
  query: { readonly name?: string; readonly per_page: number; readonly page: number },
  signal: AbortSignal,
): Promise<readonly RawRunner[]> {
  const answer = await caller.inScope<{ readonly runners: readonly RawRunner[] }>(
    scope,
    {
      operation,
      send: (request) =>
        "organization" in scope
          ? request("GET /orgs/{org}/actions/runners", { ...organizationParameters(scope.organization), ...query })
          : request("GET /repos/{owner}/{repo}/actions/runners", { ...repositoryParameters(scope.repository), ...query }),
    },
    signal,
  );
  if (!answer.ok) throw refusalError(operation, scope, answer);
  return list(answer.data.runners);
}
