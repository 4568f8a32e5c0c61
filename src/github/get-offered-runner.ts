import type { Caller } from "./caller.ts";
import { refusalError } from "./refusal.ts";
import { compareRunnerVersions } from "./runner-version.ts";
import { organizationParameters, repositoryParameters } from "./scope.ts";
import { list } from "./shape.ts";
import type { Scope } from "./types.ts";

/** Only the file's name carries the version; source: GitHub's OpenAPI description, "runner-application". */
const archive = /^actions-runner-linux-[a-z0-9]+-(\d{1,5}\.\d{1,5}\.\d{1,5})\.tar\.gz$/;

/** getOfferedRunner reads which version of the runner GitHub offers for Linux; undefined when no file of its list is one that we know. */
export async function getOfferedRunner(caller: Caller, scope: Scope, signal: AbortSignal): Promise<string | undefined> {
  const answer = await caller.inScope<readonly { readonly filename?: unknown }[]>(
    scope,
    {
      operation: "getOfferedRunner",
      send: (request) =>
        "organization" in scope
          ? request("GET /orgs/{org}/actions/runners/downloads", organizationParameters(scope.organization))
          : request("GET /repos/{owner}/{repo}/actions/runners/downloads", repositoryParameters(scope.repository)),
    },
    signal,
  );
  if (!answer.ok) throw refusalError("getOfferedRunner", scope, answer);
  return list(answer.data)
    .flatMap(({ filename }) => archive.exec(String(filename))?.[1] ?? [])
    .toSorted(compareRunnerVersions)
    .at(-1);
}
