import { setTimeout as sleep } from "node:timers/promises";
import type { RunnerRequest } from "../src/api/v1alpha1/runner-request.ts";
import { requestName, runnerName } from "../src/api/v1alpha1/names.ts";
import { getCondition } from "../src/kube/conditions.ts";
import type { DeepReadonly } from "../src/kube/object.ts";
import type { Job } from "../test/sim/github/state/model.ts";
import type { Plan, PlannedJob, RejectedJob, ShapedJob } from "./plan.ts";
import { countBy, progressLines } from "./progress.ts";
import type { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";
import { until, WaitedInVain } from "./until.ts";
import { plannedJobs } from "./verdict.ts";

/** The jobs reach GitHub as those of a busy minute do: within seconds, not in one instant. */
const betweenJobsMs = 50;
/** GitHub keeps the job that is to be cancelled from its idle runner for longer than the demo lasts. */
const neverMs = 3_600_000;
/** Longer than anything in the operator takes without a sign: an idle runner is kept for 30 s. */
const stallMs = 50_000;

/** What the targets count, as four numbers each. */
const counts = ["queued", "starting", "idle", "running"].map((field) => `{.status.${field}} `).join("");
const getTargets = ["get", "runnertargets", "-o", `jsonpath={range .items[*]}${counts}{end}`];

/** Burst is the jobs that were queued, by their part in the plan. */
export interface Burst {
  readonly served: readonly Job[];
  readonly cancelledEarly: Job;
  readonly cancelledLate: Job;
  readonly uncovered: readonly Job[];
  readonly hosted: readonly Job[];
  readonly shaped: readonly { readonly planned: ShapedJob; readonly job: Job }[];
  readonly rejected: { readonly planned: RejectedJob; readonly job: Job };
  readonly ms: number;
  /** What did not come although it was waited for. */
  readonly trouble?: string;
}

/** runBurst plays the plan and returns once every request is cleaned up; progress is shown meanwhile. */
export async function runBurst(stage: Stage, plan: Plan, screen: Screen, signal: AbortSignal): Promise<Burst> {
  const startedAt = Date.now();
  const planned = plannedJobs(plan);
  const deadlineMs = 60_000 + planned * 500;
  const show = (): void => screen.status(progressLines(snapshot(stage, planned, startedAt)));
  const timer = setInterval(show, 250);
  try {
    const { github, ecs } = stage;
    const queue = (job: PlannedJob, options: { assignAfterMs?: number } = {}): Job => {
      if (job.twice) github.webhooks.addFault({ kind: "duplicate", job: job.name, times: 3 });
      const { name, workflowName, repository, labels, durationMs, outcome } = job;
      return github.queueJob({ name, workflowName, repository, labels, durationMs, outcome, ...options });
    };
    const waiting = { timeoutMs: deadlineMs, signal };

    const cancelledLate = queue(plan.cancelledLate, { assignAfterMs: neverMs });
    ecs.capacity.refuse("FARGATE_SPOT", { times: plan.spotRefusals });
    screen.say(
      `Fargate Spot refuses the next ${plan.spotRefusals} launches: they have to move to the next rung of the class' ladder, and from the fifth on they pass Spot over (kubectl get ecsrc -o wide)`,
    );
    const retired = cancelWhileIdle(stage, cancelledLate, screen, waiting);
    // Awaited below; a rejection before that must not count as unhandled.
    retired.catch(() => undefined);

    const served: Job[] = [];
    const [uncovered, hosted]: [Job[], Job[]] = [[], []];
    for (const job of plan.burst) {
      served.push(queue(job));
      await sleep(betweenJobsMs);
      signal.throwIfAborted();
    }
    const shaped = plan.shaped.map((job) => ({ planned: job, job: queue(job) }));
    served.push(...shaped.map(({ job }) => job));
    const rejected = { planned: plan.rejected, job: queue(plan.rejected) };
    for (const job of plan.uncovered) uncovered.push(queue(job));
    for (const job of plan.hosted) hosted.push(queue(job));
    await retired;

    // Only now: had they come earlier, the idle runner would have taken one of them, as it should.
    for (const job of plan.heavy) served.push(queue(job));
    const cancelledEarly = await cancelInQueue(stage, plan, queue, screen, waiting);

    const trouble = await untilOver(stage, planned, [...uncovered, rejected.job], waiting);
    show();
    const ms = Date.now() - startedAt;
    return {
      served,
      cancelledEarly,
      cancelledLate,
      uncovered,
      hosted,
      shaped,
      rejected,
      ms,
      ...(trouble !== undefined && { trouble }),
    };
  } finally {
    clearInterval(timer);
    screen.settle();
  }
}

/** Cancels a job once its runner is online and idle, and waits until that runner was taken back. */
async function cancelWhileIdle(
  stage: Stage,
  job: Job,
  screen: Screen,
  waiting: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const runner = runnerName(requestName(String(job.id)), 1);
  await until({ ...waiting, what: `runner ${runner} to come online` }, () =>
    stage.github.registrations().some(({ name, phase, busy }) => name === runner && phase === "online" && !busy),
  );
  stage.github.cancelJob(job.id);
  screen.say(
    `cancelled "${job.name}" while its runner is idle: it is kept for half a minute, should another job need it, then retired`,
  );
  await until({ ...waiting, what: `runner ${runner} to be retired` }, () => {
    const request = requestOf(stage, job);
    return request !== undefined && request.metadata.finalizers === undefined;
  });
  screen.say(`runner ${runner} was deregistered and stopped; now the heavy jobs come, more than target large has slots`);
}

/** Queues one more heavy job once the slots of its target are taken, and cancels it while it waits for one. */
async function cancelInQueue(
  stage: Stage,
  plan: Plan,
  queue: (job: PlannedJob) => Job,
  screen: Screen,
  waiting: { timeoutMs: number; signal: AbortSignal },
): Promise<Job> {
  const waits = (request: DeepReadonly<RunnerRequest> | undefined): boolean =>
    getCondition(request?.status?.conditions, "Admitted")?.reason === "TargetAtCapacity";
  const heavy = new Set(plan.heavy.map(({ name }) => name));
  await until({ ...waiting, what: "a heavy job to wait for a slot" }, () =>
    [...stage.requests.store.list()].some((request) => heavy.has(request.spec.job.name) && waits(request)),
  );
  const job = queue(plan.cancelledEarly);
  await until({ ...waiting, what: "one more job to wait behind it" }, () => waits(requestOf(stage, job)));
  stage.github.cancelJob(job.id);
  screen.say(`cancelled "${job.name}" while it waited for one of the target's slots: no runner may be started for it`);
  return job;
}

function requestOf(stage: Stage, job: Job): DeepReadonly<RunnerRequest> | undefined {
  return stage.requests.store.get({ namespace: stage.namespace, name: requestName(String(job.id)) });
}

/** Waits until all is over. What does not come is returned in words: the final table then says what is wrong with the rest. */
async function untilOver(
  stage: Stage,
  planned: number,
  unserved: readonly Job[],
  waiting: { timeoutMs: number; signal: AbortSignal },
): Promise<string | undefined> {
  const detail = (): string => stuck(stage, unserved).join("; ");
  const mark = (): string => JSON.stringify({ ...snapshot(stage, planned, 0), seconds: 0 });
  try {
    await until({ ...waiting, what: "all jobs and requests to end", detail, mark, stallMs }, () =>
      isOver(stage, planned, unserved),
    );
    await stage.github.webhooks.settled();
    await until({ ...waiting, what: "the targets to count no runners", timeoutMs: 15_000, everyMs: 500 }, async () =>
      /^[ 0]*$/.test(await stage.kubectl([...getTargets, "-n", stage.namespace])),
    );
    return undefined;
  } catch (error) {
    if (error instanceof WaitedInVain) return error.message;
    throw error;
  }
}

/** Whether nothing happens any more: the jobs are done, the requests (that of the rejected job too) have let go, nothing is on its way. */
function isOver({ github, ecs, requests }: Stage, planned: number, unserved: readonly Job[]): boolean {
  const { jobs } = github.report();
  if (jobs.completed < planned || jobs.running > 0 || jobs.queued > unserved.length) return false;
  if (requests.store.size < planned + 1 || ecs.liveTasks().length > 0) return false;
  return [...requests.store.list()].every(({ metadata }) => metadata.finalizers === undefined);
}

/** The jobs and the requests that got stuck, the first few of each. */
function stuck({ github, requests, namespace }: Stage, unserved: readonly Job[]): string[] {
  const skip = new Set(unserved.map(({ id }) => id));
  const jobs = github
    .report()
    .neverRun.filter(({ id }) => !skip.has(id))
    .map(({ id, name }) => {
      const request = requests.store.get({ namespace, name: requestName(String(id)) });
      const reason = getCondition(request?.status?.conditions, "Succeeded")?.reason ?? "";
      return `"${name}" was never run (its request ${requestName(String(id))}: ${request?.status?.phase ?? "missing"} ${reason})`;
    });
  const alive = [...requests.store.list()]
    .filter(({ metadata }) => metadata.finalizers !== undefined)
    .map(({ metadata, status }) => `${metadata.name} is ${status?.phase ?? "new"}`);
  return [...jobs.slice(0, 5), ...alive.slice(0, 5)];
}

function snapshot({ github, ecs, requests }: Stage, planned: number, startedAt: number): Parameters<typeof progressLines>[0] {
  const { jobs } = github.report();
  return {
    seconds: (Date.now() - startedAt) / 1_000,
    planned,
    jobs,
    phases: countBy(requests.store.list(), ({ status }) => status?.phase ?? "Pending"),
    tasks: countBy(ecs.liveTasks(), ({ capacity }) => capacity),
  };
}
