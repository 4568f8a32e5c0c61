import type { Caller } from "./caller.ts";
import { firstPages, pageSize } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { repositoryParameters } from "./scope.ts";
import { idText, list, text } from "./shape.ts";
import type { RunRecord } from "./types.ts";

/** GitHub stops filtered lists of runs at 1,000, whatever the pages say. */
const maxPages = 10;

/**
 * listRuns reads the runs of a repository in one state. A run that changes its state while the pages are read shifts the rest by one:
 * duplicates are dropped, and a gap is for the next look.
 */
export async function listRuns(
  caller: Caller,
  repository: string,
  status: "queued" | "in_progress",
  signal: AbortSignal,
): Promise<readonly RunRecord[]> {
  const scope = { repository };
  const raw = firstPages(maxPages, async (page) => {
    const answer = await caller.inScope(
      scope,
      {
        operation: "listRuns",
        send: (request) =>
          request("GET /repos/{owner}/{repo}/actions/runs", {
            ...repositoryParameters(repository),
            status,
            per_page: pageSize,
            page,
          }),
      },
      signal,
    );
    if (!answer.ok) throw refusalError("listRuns", scope, answer);
    return list(answer.data.workflow_runs);
  });
  const byId = new Map<string, RunRecord>();
  for await (const run of raw) {
    const id = idText(run.id);
    const { full_name: fullName, visibility, private: isPrivate } = run.repository;
    byId.set(id, {
      id,
      updatedAt: text(run.updated_at),
      repository: text(fullName),
      visibility:
        visibility === "public" || visibility === "private" || visibility === "internal"
          ? visibility
          : isPrivate
            ? "private"
            : "public",
    });
  }
  return [...byId.values()];
}
