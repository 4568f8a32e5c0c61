import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { DeepReadonly } from "../../kube/object.ts";
import { isFinished } from "../../request/phase.ts";
import type { Periods } from "./periods.ts";

type Request = DeepReadonly<RunnerRequest>;

/** StaleRun is a run with jobs of ours whose state has not changed for longer than usual. */
export interface StaleRun {
  readonly key: string;
  readonly repository: string;
  readonly runId: string;
  readonly requests: readonly Request[];
}

/**
 * isStale tells whether a request's job is to be read at GitHub.
 *
 * | request | own job | read when the state is older than |
 * |---|---|---|
 * | alive or finished | Queued | queuedStaleMs: its end may be lost, also when its runner ran another job |
 * | alive | InProgress | inProgressStaleMs |
 * | finished | InProgress | never: nothing is left to do |
 * | any | Completed | never |
 */
export function isStale(request: Request, nowMs: number, periods: Pick<Periods, "queuedStaleMs" | "inProgressStaleMs">): boolean {
  if (request.metadata.deletionTimestamp !== undefined) return false;
  const state = request.status?.job?.state ?? request.spec.job.state;
  const since = Date.parse(request.status?.job?.updatedAt ?? request.metadata.creationTimestamp ?? request.spec.job.queuedAt);
  switch (state) {
    case "Queued":
      return nowMs - since > periods.queuedStaleMs;
    case "InProgress":
      return !isFinished(request.status) && nowMs - since > periods.inProgressStaleMs;
    case "Completed":
      return false;
    default:
      return state satisfies never;
  }
}

/** staleRuns groups stale requests by their run: one call reads all jobs of a run. */
export function staleRuns(requests: Iterable<Request>, nowMs: number, periods: Periods): ReadonlyMap<string, StaleRun> {
  const runs = new Map<string, StaleRun & { requests: Request[] }>();
  for (const request of requests) {
    if (!isStale(request, nowMs, periods)) continue;
    const { repository, runId } = request.spec.job;
    const key = `${repository.toLowerCase()} ${runId}`;
    const run = runs.get(key);
    if (run === undefined) runs.set(key, { key, repository, runId, requests: [request] });
    else run.requests.push(request);
  }
  return runs;
}
