import { group } from "../kind.ts";

/** runnerFinalizer holds a RunnerRequest until its instance and its registration are gone. */
export const runnerFinalizer = `${group}/runner`;
/** releaseAnnotation, set by a person to "true", lets a RunnerRequest go although its instance or registration could not be removed. */
export const releaseAnnotation = `${group}/release`;
/** targetLabel carries the target's name on every RunnerRequest. */
export const targetLabel = `${group}/target`;
/** deliveryAnnotation carries GitHub's delivery id, so that one search joins webhook, request and task. */
export const deliveryAnnotation = `${group}/delivery`;

/** requestName is the name of the request for a job: the deduplication key. `hostHash` is needed on hosts other than github.com. */
export function requestName(jobId: string, hostHash?: string): string {
  return hostHash === undefined ? `job-${jobId}` : `job-${jobId}-${hostHash}`;
}

/** parseReplacement splits the name of a request into that of its job's first request and the number of the replacement, 0 for the first. */
export function parseReplacement(name: string): { readonly first: string; readonly replacement: number } {
  const match = /^(.+)-r([1-9][0-9]{0,3})$/.exec(name);
  return match?.[1] === undefined ? { first: name, replacement: 0 } : { first: match[1], replacement: Number(match[2]) };
}

/** replacementName is the name of the request that follows when the runner of a job's request `name` was lost to another job. */
export function replacementName(name: string): string {
  const { first, replacement } = parseReplacement(name);
  return `${first}-r${replacement + 1}`;
}

/** runnerName is the name at GitHub of the runner of one attempt; at most 64 characters, since request names have 57 at most. */
export function runnerName(request: string, attempt: number): string {
  return `${request}-${attempt}`;
}

/** parseRunnerName tells which request and attempt a runner name of ours stands for; undefined for names that cannot be ours. */
export function parseRunnerName(name: string): { readonly request: string; readonly attempt: number } | undefined {
  const match = /^(job-[a-z0-9-]*[a-z0-9])-([1-9][0-9]{0,5})$/.exec(name);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { request: match[1], attempt: Number(match[2]) };
}
