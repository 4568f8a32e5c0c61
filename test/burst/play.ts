import { setTimeout as sleep } from "node:timers/promises";
import type { Tag } from "@aws-sdk/client-ecs";
import { group } from "../../src/api/kind.ts";
import { type ApiWrites, apiWrites, countsBetween, writesBetween } from "../../demo/api-requests.ts";
import { countBy } from "../../demo/progress.ts";
import type { Screen } from "../../demo/screen.ts";
import { until, WaitedInVain } from "../../demo/until.ts";
import type { CallRecord } from "../sim/ecs/calls.ts";
import type { Stage } from "./stage.ts";

/** A hundred a second: faster by far than AWS lets runners start, and not so fast that a busy machine refuses webhooks. */
const betweenJobsMs = 10;
/** Longer than anything takes without a sign: a webhook that a busy machine could not store is sent again after five minutes. */
const stallMs = 400_000;

/** Seen is what a burst was seen to do; times are in milliseconds. */
export interface Seen {
  readonly jobs: number;
  /** Tasks that were started for each job that had any. */
  readonly launches: readonly number[];
  /** From the first job being queued, and from the first accepted RunTask, until the last accepted one. */
  readonly fromQueueMs: number;
  readonly fromFirstRunTaskMs: number;
  /** Answers by operation and outcome, without those from before the burst. */
  readonly calls: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What the simulator's buckets refused, by bucket. */
  readonly throttled: Readonly<Record<string, number>>;
  /** Until half, and until all of the jobs had begun. */
  readonly startedHalfMs: number;
  readonly startedAllMs: number;
  readonly endedMs: number;
  readonly writes: ApiWrites;
  /** Everything that the API server was asked, by verb, watches and the harness' own requests included. */
  readonly kubernetes: Readonly<Record<string, number>>;
  readonly operatorThrottleWaitSeconds: number | undefined;
  readonly violations: readonly string[];
  readonly doubled: number;
  readonly live: number;
  /** What did not come although it was waited for. */
  readonly trouble: string | undefined;
}

/** play queues all jobs at once and returns what was seen once everything is cleaned up. */
export async function play(stage: Stage, jobs: number, screen: Screen, signal: AbortSignal): Promise<Seen> {
  const { github, ecs, controlPlane, tenants } = stage;
  const callsBefore = ecs.calls.count();
  const metricsBefore = await controlPlane.metrics();
  const startedAt = Date.now();
  const show = (): void => screen.status(progress(stage, jobs, startedAt));
  const timer = setInterval(show, 500);
  let trouble: string | undefined;
  const queued = [];
  try {
    for (let index = 0; index < jobs; index++) {
      const tenant = tenants[index % tenants.length];
      if (tenant === undefined) throw new Error("a burst needs a tenant");
      queued.push(
        github.queueJob({
          repository: tenant.repository,
          name: `test (${index + 1})`,
          labels: ["self-hosted", "burst"],
          durationMs: 20_000 + ((index * 370) % 10_000),
        }),
      );
      await sleep(betweenJobsMs);
      signal.throwIfAborted();
    }
    trouble = await untilOver(stage, jobs, signal);
  } finally {
    clearInterval(timer);
    screen.settle();
  }
  const endedMs = Date.now() - startedAt;
  const metricsAfter = await controlPlane.metrics();
  const calls = ecs.calls.list().filter(({ number }) => number > callsBefore);
  const accepted = calls.filter(({ operation, outcome }) => operation === "RunTask" && outcome === "ok").map(({ at }) => at);
  const last = Math.max(...accepted, startedAt);
  const starts = queued.flatMap(({ startedAt: at }) => at ?? []).toSorted((a, b) => a - b);
  const since = (at: number | undefined): number => (at === undefined ? Number.NaN : at - startedAt);
  const perJob = countBy(ecs.ledger.launched(), ({ launchTags }) => tagOf(launchTags, `${group}/job-id`));
  const report = ecs.report();
  return {
    jobs,
    launches: queued.map(({ id }) => perJob[String(id)] ?? 0),
    fromQueueMs: last - startedAt,
    fromFirstRunTaskMs: last - Math.min(...accepted, last),
    calls: outcomes(calls),
    throttled: report.throttled,
    startedHalfMs: since(starts[Math.floor(starts.length / 2)]),
    startedAllMs: since(starts.at(-1)),
    endedMs,
    writes: writesBetween(apiWrites(metricsBefore, group), apiWrites(metricsAfter, group)),
    kubernetes: countsBetween(requestsByVerb(metricsBefore), requestsByVerb(metricsAfter)),
    operatorThrottleWaitSeconds: await meanWait(stage),
    violations: [...github.violations, ...ecs.violations].map((violation) => JSON.stringify(violation)),
    doubled: report.doubled.length,
    live: report.live.length,
    trouble,
  };
}

async function untilOver({ github, ecs, requests }: Stage, jobs: number, signal: AbortSignal): Promise<string | undefined> {
  const mark = (): string => JSON.stringify([github.report().jobs, ecs.report().live.length, requests.store.size]);
  try {
    await until({ what: "all jobs and requests to end", timeoutMs: 600_000 + jobs * 500, signal, mark, stallMs }, () => {
      if (github.report().jobs.completed < jobs || ecs.liveTasks().length > 0 || requests.store.size < jobs) return false;
      return [...requests.store.list()].every(({ metadata }) => metadata.finalizers === undefined);
    });
    return undefined;
  } catch (error) {
    if (error instanceof WaitedInVain) return error.message;
    throw error;
  }
}

function progress({ github, ecs, requests }: Stage, planned: number, startedAt: number): string[] {
  const { jobs } = github.report();
  const { RunTask = {} } = ecs.calls.outcomes();
  const phases = countBy(requests.store.list(), ({ status }) => status?.phase ?? "Pending");
  const named = Object.entries(phases).map(([phase, count]) => `${phase} ${count}`);
  return [
    `${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  RunTask: accepted ${RunTask["ok"] ?? 0} of ${planned}, throttled ${RunTask["ThrottlingException"] ?? 0}`,
    `        jobs: queued ${jobs.queued}, running ${jobs.running}, done ${jobs.completed}; live tasks ${ecs.liveTasks().length}`,
    `        RunnerRequests: ${named.join(", ") || "none yet"}`,
  ];
}

function outcomes(calls: readonly CallRecord[]): Record<string, Record<string, number>> {
  const names = new Set(calls.map(({ operation }) => operation));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      countBy(
        calls.filter(({ operation }) => operation === name),
        ({ outcome }) => outcome,
      ),
    ]),
  );
}

function tagOf(tags: readonly Tag[], name: string): string {
  return tags.find(({ key }) => key === name)?.value ?? "";
}

function requestsByVerb(metrics: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of metrics.split("\n")) {
    const verb = /^apiserver_request_total\{.*verb="([A-Z]+)"/.exec(line)?.[1];
    if (verb !== undefined) counts[verb] = (counts[verb] ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return counts;
}

/** How long a launch waited for its token, on the mean, as the operator's own metrics say; undefined where they cannot be read. */
async function meanWait({ operator }: Stage): Promise<number | undefined> {
  const text = await fetch(operator.metricsUrl, { signal: AbortSignal.timeout(10_000) }).then(
    (answer) => answer.text(),
    () => "",
  );
  const read = (suffix: string): number =>
    Number(new RegExp(`^getabako_aws_budget_wait_seconds_${suffix}\\{bucket="fargate-run-task"\\} (\\S+)`, "m").exec(text)?.[1]);
  const mean = read("sum") / read("count");
  return Number.isFinite(mean) ? mean : undefined;
}
