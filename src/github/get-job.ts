import type { Caller } from "./caller.ts";
import { GitHubError } from "./errors.ts";
import { toJobRecord } from "./job-record.ts";
import { refusalError } from "./refusal.ts";
import { repositoryParameters } from "./scope.ts";
import type { JobRecord } from "./types.ts";

/** getJob reads a workflow job; undefined when GitHub has none. */
export async function getJob(
  caller: Caller,
  repository: string,
  jobId: string,
  signal: AbortSignal,
): Promise<JobRecord | undefined> {
  if (!/^\d{1,20}$/.test(jobId)) throw new GitHubError("Invalid", "a job's id is a whole number");
  const scope = { repository };
  const answer = await caller.inScope(
    scope,
    {
      operation: "getJob",
      // Ids go beyond 2^53, so they are text here; the route's parameter is typed as a number.
      send: (request) =>
        request("GET /repos/{owner}/{repo}/actions/jobs/{job_id}", {
          ...repositoryParameters(repository),
          job_id: jobId as unknown as number,
        }),
    },
    signal,
  );
  if (answer.ok) return toJobRecord(answer.data);
  if (answer.status === 404) return undefined;
  throw refusalError("getJob", scope, answer);
}
