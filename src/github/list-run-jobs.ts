import type { Caller } from "./caller.ts";
import { idParameter } from "./id-parameter.ts";
import { toRunJobRecord } from "./job-record.ts";
import { firstPages, pageSize } from "./pages.ts";
import { refusalError } from "./refusal.ts";
import { repositoryParameters } from "./scope.ts";
import { list } from "./shape.ts";
import type { RunJobRecord } from "./types.ts";

/** A matrix has at most 256 jobs and a run may have several; more than this is a list without end. */
const maxPages = 20;

/** listRunJobs reads the newest attempt of each of a run's jobs; undefined when GitHub has no such run. */
export async function listRunJobs(
  caller: Caller,
  repository: string,
  runId: string,
  signal: AbortSignal,
): Promise<readonly RunJobRecord[] | undefined> {
  const id = idParameter("run", runId);
  const scope = { repository };
  let known = true;
  const raw = firstPages(maxPages, async (page) => {
    const answer = await caller.inScope(
      scope,
      {
        operation: "listRunJobs",
        send: (request) =>
          request("GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs", {
            ...repositoryParameters(repository),
            run_id: id,
            filter: "latest",
            per_page: pageSize,
            page,
          }),
      },
      signal,
    );
    if (answer.ok) return list(answer.data.jobs);
    if (answer.status !== 404) throw refusalError("listRunJobs", scope, answer);
    known = false;
    return [];
  });
  const byId = new Map<string, RunJobRecord>();
  for await (const job of raw) {
    const record = toRunJobRecord(job);
    byId.set(record.id, record);
  }
  return known ? [...byId.values()] : undefined;
}
