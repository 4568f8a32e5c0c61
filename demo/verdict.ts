import { total } from "./api-requests.ts";
import type { Facts } from "./facts.ts";
import type { Plan } from "./plan.ts";
import { isAsChosen } from "./shapes.ts";
import { table } from "./table.ts";

/** Row is one line of the final table. */
export interface Row {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
  readonly note?: string;
}

/** What one job may cost in a burst of so many; a smaller one shares the calls of the whole among fewer jobs, and is not judged. */
const limits = { writes: 8, githubCalls: 1.1, describeTasks: 0.3 } as const;
const judgedFrom = 100;

/** judge holds what was seen against what the plan asked for. */
export function judge(plan: Plan, facts: Facts): Row[] {
  return [
    ...jobRows(plan, facts),
    ...requestRows(plan, facts),
    same("jobs that chose their runner, and have it at ECS", plan.shaped.length, facts.shapes.filter(isAsChosen).length),
    facts.rejected,
    ...cleanlinessRows(facts),
    ...costRows(plan, facts),
  ];
}

/** verdictTable shows the rows; those that do not hold stand out. */
export function verdictTable(rows: readonly Row[]): string[] {
  const cells = rows.map(({ what, expected, seen, ok, note = "" }) => [ok ? "ok" : "FAILED", what, expected, seen, note]);
  return table([["", "WHAT", "EXPECTED", "SEEN", ""], ...cells]);
}

/** plannedJobs is how many jobs of the plan a target serves. */
export function plannedJobs(plan: Plan): number {
  return plan.burst.length + plan.heavy.length + plan.shaped.length + 2;
}

function jobRows(plan: Plan, facts: Facts): Row[] {
  const served = [...plan.burst, ...plan.heavy, ...plan.shaped];
  const failing = served.filter(({ outcome }) => outcome === "failure").length;
  const copies = 3 * served.filter(({ twice }) => twice).length;
  return [
    same("jobs that succeeded", served.length - failing, facts.succeeded),
    same("jobs that failed, as they were meant to", failing, facts.failed),
    same("jobs that were cancelled", 2, facts.cancelled),
    same("jobs of GitHub's own machines, left to them", plan.hosted.length, facts.hostedDone),
    same("jobs that no target covers, left in the queue", plan.uncovered.length, facts.uncoveredStillQueued),
    same("deliveries that came twice", copies, facts.copies),
    same("deliveries that were not answered with 2xx", 0, facts.failedDeliveries),
  ];
}

function requestRows(plan: Plan, facts: Facts): Row[] {
  const jobs = plannedJobs(plan);
  // Runners of one target serve all of its jobs, so the request that ends without one need not be that of the cancelled job.
  const { JobCompleted = 0, JobCancelled = 0, NotNeeded = 0, Rejected = 0, ...others } = facts.outcomes;
  return [
    same("RunnerRequests, one for each covered job, the rejected one included", jobs + 1, facts.requests),
    same("RunnerRequests for other jobs", 0, facts.requestsOfOthers),
    same("  ended as JobCompleted", jobs - 2, JobCompleted),
    { ...same("  ended as JobCancelled or NotNeeded", 2, JobCancelled + NotNeeded), note: `${JobCancelled} and ${NotNeeded}` },
    same("  ended as Rejected", 1, Rejected),
    { ...same("  ended in another way, or not at all", 0, total(others)), note: Object.keys(others).join(", ") },
    same("runners started, none for the job cancelled in the queue", jobs - 1, facts.launched),
    same("runners stopped, that of the job cancelled later", 1, facts.stopped),
    movedRow(plan, facts),
    ...facts.most.map(({ target, seen, max }) => ({
      what: `most runners of target ${target} at once`,
      expected: `<= ${max}`,
      seen: String(seen),
      ok: seen <= max,
    })),
  ];
}

/** After five refusals the circuit of the rung opens, for all but the launches that are under way at that moment. */
function movedRow({ spotRefusals }: Plan, { movedToNextRung: seen }: Facts): Row {
  const least = Math.min(spotRefusals, 5);
  const expected = least === spotRefusals ? String(least) : `${least} to ${spotRefusals}`;
  return {
    what: "launches that moved from Spot to the next rung",
    expected,
    seen: String(seen),
    ok: least <= seen && seen <= spotRefusals,
  };
}

function cleanlinessRows(facts: Facts): Row[] {
  const { secrets, characters } = facts.searched;
  return [
    same("jobs lost", 0, facts.lost),
    same("jobs doubled", 0, facts.ranTwice + facts.doubledTasks),
    same("tasks left behind at ECS", 0, facts.tasksLeft),
    same("registrations left behind at GitHub", 0, facts.registrationsLeft),
    same("requests still held by their finalizer", 0, facts.stillHeld),
    same("runners that the targets still count", 0, facts.countedByTargets),
    same("calls that GitHub or AWS would refuse as wrong", 0, facts.violations.length),
    {
      ...same("secrets in logs, objects and events", 0, facts.leaks.length),
      note: `${secrets} secrets looked for in ${(characters / 1e6).toFixed(1)} million characters`,
    },
    same("errors in the operator's log", 0, facts.errorLines.length),
  ];
}

function costRows(plan: Plan, facts: Facts): Row[] {
  const jobs = plannedJobs(plan);
  const { writes, githubCalls, githubAppCalls, githubSweepCalls, runTask, describeTasks } = facts;
  const eventsPerJob = (writes.events / jobs).toFixed(2);
  return [
    {
      ...atMost("Kubernetes writes per job", limits.writes, total(writes.objects), jobs),
      note: `and ${eventsPerJob} of Events`,
    },
    {
      ...atMost("GitHub calls per job", limits.githubCalls, total(githubCalls), jobs),
      note: `and ${total(githubAppCalls)} in all about the App itself, ${total(githubSweepCalls)} of the sweeps`,
    },
    {
      ...same("RunTask calls per runner, refused ones apart", 1, (runTask.accepted + runTask.other) / (jobs - 1)),
      note: `${runTask.accepted} accepted for ${jobs - 1} runners, ${runTask.refused} refused by Spot`,
    },
    { ...atMost("DescribeTasks calls per job", limits.describeTasks, describeTasks, jobs), note: `${describeTasks} in all` },
  ];
}

/** same expects exactly a number. */
export function same(what: string, expected: number, seen: number): Row {
  return {
    what,
    expected: String(expected),
    seen: Number.isInteger(seen) ? String(seen) : seen.toFixed(2),
    ok: expected === seen,
  };
}

function atMost(what: string, limit: number, calls: number, jobs: number): Row {
  const seen = (calls / jobs).toFixed(2);
  if (jobs < judgedFrom) return { what, expected: `any below ${judgedFrom} jobs`, seen, ok: true };
  return { what, expected: `<= ${limit}`, seen, ok: calls / jobs <= limit };
}
