import { setTimeout as sleep } from "node:timers/promises";
import { checkAnswers } from "./acknowledged.ts";
import type { Job } from "../sim/github/state/model.ts";
import { applyFault } from "./faults/apply.ts";
import { type FaultKind, traitsOf } from "./fault-kinds.ts";
import { killLauncher } from "./kill-launcher.ts";
import { releaseOnceStarted } from "./release.ts";
import type { ScriptFault, ScriptJob } from "./script.ts";
import type { Stage } from "./stage.ts";

/** A fault that finds nothing to hit (no idle runner, no busy one) looks again for so long; one of an operator that is down does not. */
const faultPatienceMs = 6_000;
const rerunEveryMs = 300;

/** Played is what became of a script. */
export interface Played {
  /** By the id of their first attempt: a re-run has ids of its own and the same key. */
  readonly jobs: ReadonlyMap<number, ScriptJob>;
  readonly applied: Partial<Record<FaultKind, number>>;
  readonly skipped: Partial<Record<FaultKind, number>>;
  /** Times at which every call to GitHub failed, with the number of calls. */
  readonly outages: readonly { readonly from: number; readonly to: number; readonly calls: number; readonly requests: number }[];
}

/** play does everything that a script says, at its time, and mends the world at the end. */
export async function play(stage: Stage, signal: AbortSignal): Promise<Played> {
  const { script, github, journal, undos, harm, pranks } = stage;
  const startedAt = Date.now();
  // A story's times are then those of the script.
  journal.startedAt = startedAt;
  const jobs = new Map<number, ScriptJob>();
  const runs = new Map<string, number>();
  const applied: Partial<Record<FaultKind, number>> = {};
  const skipped: Partial<Record<FaultKind, number>> = {};
  const outages: { from: number; to: number; calls: number; requests: number }[] = [];
  const count = (table: Partial<Record<FaultKind, number>>, kind: FaultKind): void => {
    table[kind] = (table[kind] ?? 0) + 1;
  };
  cancelWhen(stage, jobs);
  const allAnswersChecked = checkAnswers(stage, jobs);

  const hit = async ({ ...fault }: ScriptFault): Promise<void> => {
    const patienceMs = traitsOf(fault.kind).profile === "crashes" ? 0 : faultPatienceMs;
    for (const until = Date.now() + patienceMs; ; await sleep(100)) {
      const what = await applyFault(stage, fault);
      if (what !== undefined) {
        journal.note("fault", `${fault.kind}: ${what}`);
        if (fault.kind === "github-outage") {
          const from = Date.now();
          const before = github.counters().rest;
          undos.after(fault.forMs, "counting calls of an outage", () => {
            const open = [...stage.requests.store.list()].filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
            outages.push({ from, to: Date.now(), calls: github.counters().rest - before, requests: open.length });
          });
        }
        return count(applied, fault.kind);
      }
      if (Date.now() >= until || Date.now() - startedAt > script.lengthMs) return count(skipped, fault.kind);
    }
  };

  const steps = [
    ...script.jobs.map((job) => ({ atMs: job.atMs, run: async () => queue(stage, job, jobs, runs) })),
    ...script.faults.map((fault) => ({ atMs: fault.atMs, run: () => hit(fault) })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  const running: Promise<unknown>[] = [];
  const rerun = setInterval(() => rerunFailed(stage, runs, jobs), rerunEveryMs);
  try {
    for (const { atMs, run } of steps) {
      await sleep(Math.max(0, startedAt + atMs - Date.now()), undefined, { signal });
      const step = run().catch((error: unknown) => journal.note("harness", `a step failed: ${String(error)}`));
      running.push(step);
    }
    await sleep(Math.max(0, startedAt + script.lengthMs - Date.now()), undefined, { signal });
    await Promise.all(running);
  } finally {
    clearInterval(rerun);
    // From here on nothing goes wrong any more.
    github.faults.clear();
    github.webhooks.clearFaults();
    stage.ecs.faults.clear();
    stage.ecs.capacity.release();
    pranks.length = 0;
    for (const { proxy } of stage.fleet.operators) proxy.clear();
    await undos.all();
    for (const id of harm.foreignRunners) if (github.world.runners.has(id)) github.reap(id);
    journal.note("fault", "the script is over: no more faults");
  }
  await allAnswersChecked();
  return { jobs, applied, skipped, outages };
}

function queue(stage: Stage, planned: ScriptJob, jobs: Map<number, ScriptJob>, runs: Map<string, number>): void {
  const { github, journal } = stage;
  const {
    name,
    repository,
    labels,
    durationMs,
    outcome,
    assignAfterMs,
    cancel,
    announced,
    unheardEnd,
    released,
    launcherDiesForMs,
  } = planned;
  const runId = runs.get(planned.run);
  const ended = runId !== undefined && github.world.runs.get(runId)?.attempt !== 1;
  // Known before the event is sent: whoever hears of it may ask.
  const unlisten = github.listen(({ kind, job }) => {
    if (kind === "job-queued" && job !== undefined && job.name === name && job.attempt === 1) jobs.set(job.key, planned);
  });
  if (announced === "dropped") github.webhooks.addFault({ kind: "drop", action: "queued", job: name });
  if (announced === "failed") github.webhooks.addFault({ kind: "fail", action: "queued", job: name });
  if (unheardEnd === true) github.webhooks.addFault({ kind: "drop", action: "completed", job: name });
  const job = github.queueJob({
    repository,
    labels,
    name,
    durationMs,
    outcome,
    ...(runId !== undefined && !ended && { runId }),
    ...(assignAfterMs !== undefined && { assignAfterMs }),
  });
  unlisten();
  jobs.set(job.key, planned);
  if (released !== undefined) releaseOnceStarted(stage, job, released);
  if (launcherDiesForMs !== undefined) killLauncher(stage, ({ group }) => group === `job-${job.id}-1`, launcherDiesForMs);
  if (runId === undefined) runs.set(planned.run, job.run.id);
  journal.note("script", `queued job ${job.id} "${name}" in ${repository} for ${planned.coverage}, ${JSON.stringify(planned)}`);
  if (cancel?.when === "queued")
    stage.undos.after(cancel.afterMs, `cancelled job ${job.id}`, () => github.cancelJob(job.id), "script");
}

/** Cancels jobs in the moment before they start, or while they run; also after the script, when one of them runs only then. */
function cancelWhen(stage: Stage, jobs: ReadonlyMap<number, ScriptJob>): void {
  const { github, journal } = stage;
  const cancel = (job: Job): void => {
    journal.note("script", `cancel job ${job.id}`);
    github.cancelJob(job.id);
  };
  github.listen(({ kind, job }) => {
    // Only the first attempt: its re-run shall run.
    const plan = job?.attempt === 1 ? jobs.get(job.key)?.cancel : undefined;
    if (job === undefined || plan === undefined) return;
    if (kind === "job-assigned" && plan.when === "assigned") cancel(job);
    if (kind === "job-started" && plan.when === "running") setTimeout(() => cancel(job), plan.afterMs).unref();
  });
}

/** Runs the failed jobs of finished runs again, once. */
function rerunFailed({ github, journal }: Stage, runs: ReadonlyMap<string, number>, jobs: ReadonlyMap<number, ScriptJob>): void {
  for (const runId of runs.values()) {
    const run = github.world.runs.get(runId);
    if (run === undefined || run.attempt > 1 || run.jobs.some(({ status }) => status !== "completed")) continue;
    if (
      !run.jobs.every(({ key }) => jobs.get(key)?.rerun === true) ||
      run.jobs.every(({ conclusion }) => conclusion === "success")
    )
      continue;
    const again = github.rerun(runId);
    journal.note("script", `run ${runId} runs again: jobs ${again.map(({ id }) => id).join(", ")}`);
  }
}
