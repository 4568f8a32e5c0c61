import type { Task } from "@aws-sdk/client-ecs";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import type { Job } from "../sim/github/state/model.ts";
import { repository, teamNamespace } from "./objects.ts";
import type { Stage } from "./stage.ts";
import { until } from "../support/until.ts";

/** labels are those of the jobs that the story queues. */
export const labels = ["self-hosted", "linux", "ecs"];

/** maxRunners is less than a burst has jobs, so that some of them wait. */
export const maxRunners = 6;

/** queueJobs queues jobs of the given length; GitHub then sends the webhooks. */
export function queueJobs({ github }: Stage, count: number, durationMs: number): Job[] {
  return Array.from({ length: count }, () => github.queueJob({ repository, labels, durationMs }));
}

/** requestsOf returns the RunnerRequests of jobs; it throws while one is missing. */
export async function requestsOf({ cluster }: Stage, jobs: readonly Job[]): Promise<RunnerRequest[]> {
  const list = JSON.parse(await cluster.kubectl(["get", "runnerrequests", "-n", teamNamespace, "-o", "json"])) as {
    items: RunnerRequest[];
  };
  const requests = new Map(list.items.map((request) => [request.spec.job.id, request]));
  return jobs.map(({ id }) => {
    const request = requests.get(String(id));
    if (request === undefined) throw new Error(`job ${id} has no RunnerRequest`);
    return request;
  });
}

/** conditionOf is one condition of an object, in words. */
export function conditionOf(
  object: { readonly status?: { readonly conditions?: unknown } },
  type: string,
): Condition | undefined {
  return ((object.status?.conditions ?? []) as Condition[]).find((condition) => condition.type === type);
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** inWords shows where a request is, for messages. */
export function inWords(request: RunnerRequest): string {
  const conditions = ((request.status?.conditions ?? []) as Condition[]).map(
    ({ type, status, reason, message }) => `${type}=${status} (${reason}: ${message})`,
  );
  return `${request.metadata.name} is ${request.status?.phase ?? "new"}: ${conditions.join(", ")}`;
}

/** untilNoContainerRuns waits for the last of the engine, which tells of an end a moment before `ps` does. */
export async function untilNoContainerRuns(engine: Stage["engine"]): Promise<void> {
  await until("the end of all containers", 10_000, async () => {
    const containers = await engine.containers();
    if (/ Up /.test(containers)) throw new Error(containers);
  });
}

/** taskInWords shows a task, for messages. */
export function taskInWords({ group, lastStatus, createdAt, stoppedAt, stopCode, stoppedReason }: Task): string {
  const times = `${createdAt?.toISOString()} to ${stoppedAt?.toISOString() ?? "now"}`;
  return `  task of runner ${group}: ${lastStatus}, ${times}, ${stopCode ?? ""} ${stoppedReason ?? ""}`;
}

/**
 * expectAllDone waits until every job has run to its end and every trace of its runner is gone, and checks the books of all sides:
 * each request succeeded and let go, one task for each job and none alive, one run for each job and no registration left at GitHub.
 *
 * Where nobody was there to hear which runner took which job (`unheard`), a request may find out late that its runner ran another job, or
 * that its own job is done: then it may have had no task, or two of them, one after the other. The jobs themselves ran once all the same.
 */
export async function expectAllDone(
  stage: Stage,
  jobs: readonly Job[],
  timeoutMs: number,
  { unheard = false }: { readonly unheard?: boolean } = {},
): Promise<void> {
  const { ecs, github, engine } = stage;
  const requests = await until("the end of all requests", timeoutMs, async () => {
    const found = await requestsOf(stage, jobs);
    const open = found.filter((request) => (request.metadata.finalizers ?? []).length > 0);
    if (open.length > 0) throw new Error(open.map(inWords).join("\n"));
    return found;
  });
  const problems: string[] = [];
  for (const request of requests) {
    const succeeded = conditionOf(request, "Succeeded");
    const reasons = unheard ? ["JobCompleted", "NotNeeded"] : ["JobCompleted"];
    if (succeeded?.status !== "True" || !reasons.includes(succeeded.reason)) problems.push(inWords(request));
  }
  const tasks = await ecs.tasks();
  for (const { metadata, status } of requests) {
    const own = tasks.filter(({ startedBy }) => startedBy === metadata.uid);
    if (unheard ? own.length > 2 || overlap(own) : own.length !== 1)
      problems.push(
        `${metadata.name} had ${own.length} tasks:`,
        ...own.map(taskInWords),
        ...(status?.attempts ?? []).map((attempt) => `  attempt ${JSON.stringify(attempt)}`),
      );
  }
  const live = tasks.filter(({ lastStatus }) => lastStatus !== "STOPPED");
  if (live.length > 0) problems.push(`tasks still live: ${live.map(({ group }) => group).join(", ")}`);
  await untilNoContainerRuns(engine).catch((error: Error) => problems.push(error.message));

  const ids = new Set(jobs.map(({ id }) => id));
  const report = github.report();
  for (const book of ["neverRun", "ranTwice", "lost", "interrupted"] as const) {
    const stories = report[book].filter(({ id }) => ids.has(id));
    if (stories.length > 0) problems.push(`GitHub's book "${book}": ${JSON.stringify(stories)}`);
  }
  const registered = github.registrations().map(({ name }) => name);
  if (registered.length > 0) problems.push(`registrations left at GitHub: ${registered.join(", ")}`);
  if (github.violations.length > 0) problems.push(`requests that GitHub would refuse: ${JSON.stringify(github.violations)}`);
  if (problems.length === 0) return;
  // What still waits would take the runners of the next step's jobs.
  for (const { id, status } of jobs) if (status === "queued") github.cancelJob(id);
  throw new Error(problems.join("\n"));
}

/** Whether two tasks were there at the same time. */
function overlap(tasks: readonly Task[]): boolean {
  const times = tasks
    .map(({ createdAt, stoppedAt }) => [createdAt?.getTime() ?? 0, stoppedAt?.getTime() ?? Number.POSITIVE_INFINITY] as const)
    .toSorted(([a], [b]) => a - b);
  return times.some(([begin], index) => begin < (times[index - 1]?.[1] ?? 0));
}
