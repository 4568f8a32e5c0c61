import { writeFile } from "node:fs/promises";
import { total } from "../../demo/api-requests.ts";
import { Screen } from "../../demo/screen.ts";
import { verdictTable } from "../../demo/verdict.ts";
import { runProgram } from "../support/program.ts";
import { type BurstOptions, parseBurstOptions, usage } from "./options.ts";
import { play, type Seen } from "./play.ts";
import { jobsPerApp, setStage } from "./stage.ts";
import { costsOf, judge, timingOf } from "./verdict.ts";

/*
 * `npm run burst`: many jobs at once against AWS' documented throttles. A real API server, the built operator as a process of its own,
 * simulated GitHub and ECS; it exits with 0 only if every job was launched once and the calls kept within their bounds. Times are
 * shown, and judged by nobody.
 */

const screen = new Screen(process.stdout);

process.exitCode = await runProgram({
  name: "npm run burst",
  usage,
  parse: parseBurstOptions,
  run: burst,
  say: (line) => screen.conclude(line),
});

async function burst({ jobs, events, json }: BurstOptions, interrupted: AbortSignal): Promise<boolean> {
  screen.say("== Set-up");
  await using stage = await setStage({ jobs, events, say: (line) => screen.say(line), signal: interrupted });
  const broken = new AbortController();
  void stage.operator.exited.then((code) =>
    broken.abort(new Error(`the operator ended by itself (exit ${code}): ${stage.operator.log.slice(-3).join("\n")}`)),
  );
  const { tenants } = stage;
  screen.say(`\n== ${jobs} jobs at once, one class on Fargate, AWS' documented throttles`);
  screen.say(
    `The operator registers at most 180 runners in 65 s through one GitHub App, which would be slower than AWS. So the jobs come from ` +
      `${tenants.length} organization${tenants.length === 1 ? "" : "s"}, each with an App, a RunnerTarget and at most ${jobsPerApp} jobs; all share one AWS account and Region.`,
  );
  if (events) screen.say("Tasks' changes come through a queue, as EventBridge fills it; ECS is asked for lost ones only.");
  let ok = false;
  try {
    const seen = await play(stage, jobs, screen, AbortSignal.any([interrupted, broken.signal]));
    const rows = judge(seen, events);
    ok = rows.every((row) => row.ok);
    for (const line of numbers(seen)) screen.say(line);
    screen.say("");
    for (const line of verdictTable(rows)) screen.say(line);
    const { slow, ratio } = timingOf(seen);
    if (slow)
      screen.say(`\nWarning: ${ratio.toFixed(2)} times as long as AWS allows; a busy machine, or a pace that is too slow.`);
    screen.say(ok ? "\nAll of it holds." : `\n${rows.filter((row) => !row.ok).length} of ${rows.length} do not hold.`);
    if (json !== undefined) await writeFile(json, `${JSON.stringify(summary(seen, ok), undefined, 1)}\n`);
  } finally {
    if (!ok && !interrupted.aborted) {
      stage.keepDirectory();
      screen.say(`The operator's log is in ${stage.directory}`);
    }
  }
  return ok;
}

/** The numbers that are for people. */
function numbers(seen: Seen): string[] {
  const costs = costsOf(seen);
  const timing = timingOf(seen);
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const list = (counts: Readonly<Record<string, number>>, digits: number): string =>
    Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count.toFixed(digits)}`)
      .join(", ") || "none";
  const objects = total(seen.writes.objects);
  return [
    "\n== Time",
    `last RunTask       ${seconds(seen.fromQueueMs)} after the first job was queued (${seconds(seen.fromFirstRunTaskMs)} after the first RunTask)`,
    `AWS allows         ${seconds(timing.allowedMs)}; ratio ${timing.ratio.toFixed(2)}`,
    `waits for a token  ${seen.operatorThrottleWaitSeconds === undefined ? "unknown" : `${seen.operatorThrottleWaitSeconds.toFixed(1)} s`} on the mean`,
    `jobs began         half of them after ${seconds(seen.startedHalfMs)}, all after ${seconds(seen.startedAllMs)}; all was over after ${seconds(seen.endedMs)}`,
    "\n== Calls per job",
    `ECS, RunTask       ${costs.runTaskPerJob.toFixed(3)}`,
    `ECS, others        ${costs.otherPerJob.toFixed(3)}: ${list(costs.other, 3)}`,
    `throttled          ${list(seen.throttled, 0)}`,
    `Kubernetes writes  ${(objects / seen.jobs).toFixed(2)}: ${list(seen.writes.objects, 0)}; events ${seen.writes.events}`,
    `Kubernetes, all    ${(total(seen.kubernetes) / seen.jobs).toFixed(2)}: ${list(seen.kubernetes, 0)}`,
  ];
}

function summary(seen: Seen, ok: boolean): object {
  const { launches, violations, ...rest } = seen;
  return {
    ok,
    ...rest,
    launches: { none: launches.filter((count) => count === 0).length, twice: launches.filter((count) => count > 1).length },
    violations: violations.slice(0, 20),
    timing: timingOf(seen),
    costs: costsOf(seen),
  };
}
