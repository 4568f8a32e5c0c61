import type { Caller } from "./caller.ts";
import { idParameter } from "./id-parameter.ts";
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
  const id = idParameter("job", jobId);
  const scope = { repository };
  const answer = await caller.inScope(
    scope,
    {
      operation: "getJob",
      send: (request) =>
        request("GET /repos/{owner}/{repo}/actions/jobs/{job_id}", {
          ...repositoryParameters(repository),
          job_id: id,
        }),
    },
    signal,
  );
  if (answer.ok) return toJobRecord(answer.data);
  if (answer.status === 404) return undefined;
  throw refusalError("getJob", scope, answer);
}
