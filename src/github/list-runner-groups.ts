import type { Caller } from "./caller.ts";
import { pages } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { organizationParameters } from "./scope.ts";
import { list, text } from "./shape.ts";
import type { RunnerGroupInfo } from "./types.ts";

/** listRunnerGroups reads the runner groups of an organization; with `visibleTo`, those that admit a repository of it (its name alone). */
export async function listRunnerGroups(
  caller: Caller,
  organization: string,
  signal: AbortSignal,
  visibleTo?: string,
): Promise<readonly RunnerGroupInfo[]> {
  const scope = { organization };
  const groups: RunnerGroupInfo[] = [];
  const raw = pages(async (page) => {
    const answer = await caller.inScope(
      scope,
      {
        operation: "listRunnerGroups",
        send: (request) =>
          request("GET /orgs/{org}/actions/runner-groups", {
            ...organizationParameters(organization),
            per_page: 100,
            page,
            ...(visibleTo !== undefined && { visible_to_repository: visibleTo }),
          }),
      },
      signal,
    );
    if (!answer.ok) throw refusalError("listRunnerGroups", scope, answer);
    return list(answer.data.runner_groups);
  });
  for await (const group of raw) {
    groups.push({
      name: text(group.name),
      visibility: text(group.visibility),
      allowsPublic: group.allows_public_repositories,
      restrictedToWorkflows: group.restricted_to_workflows === true,
    });
  }
  return groups;
}
