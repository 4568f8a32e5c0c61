import { once } from "node:events";
import { join } from "node:path";
import { Impossible, impossibleExitCode } from "../test/e2e/container-ecs.ts";
import { runProgram } from "../test/support/program.ts";
import { runBurst } from "./burst.ts";
import { playContainers, setContainerStage, writeContainerEvidence } from "./containers.ts";
import { examplesTable, replayExamples } from "./examples.ts";
import { collectFacts, readCosts, takeBaseline } from "./facts.ts";
import type { Ground } from "./ground.ts";
import { lookAround } from "./look-around.ts";
import { type DemoOptions, parseDemoOptions, usage } from "./options.ts";
import { planBurst } from "./plan.ts";
import { Screen } from "./screen.ts";
import { shapesTable } from "./shapes.ts";
import { setStage, type Stage, writeEvidence } from "./stage.ts";
import { judge, plannedJobs, type Row, same, verdictTable } from "./verdict.ts";

/*
 * `npm run demo`: the main job, visible. A real API server, simulated GitHub and ECS, and the operator as a process of its own; a
 * burst of jobs, and a table of what was expected and what was seen. It exits with 0 only if all of it held.
 */

const screen = new Screen(process.stdout);

process.exitCode = await runProgram({
  name: "npm run demo",
  usage,
  parse: parseDemoOptions,
  run: (options, interrupted) => (options.ecs === "ministack" ? demonstrateContainers : demonstrate)(options, interrupted),
  say: (line) => screen.conclude(line),
  stacks: false,
});

async function demonstrate({ jobs, keep }: DemoOptions, interrupted: AbortSignal): Promise<boolean> {
  screen.say("== Set-up");
  await using stage = await setStage({ say: (line) => screen.say(line), signal: interrupted });
  const good = await perform(
    stage,
    interrupted,
    (signal) => play(stage, jobs, keep, signal),
    () => writeEvidence(stage),
  );
  if (keep) {
    screen.say(`\n${await lookAround(stage)}`);
    if (!interrupted.aborted) await once(interrupted, "abort");
  }
  return good;
}

/** The same with runners that are real containers: fewer jobs, and no burst. Where no containers can run it says so with a code of its own. */
async function demonstrateContainers(options: DemoOptions, interrupted: AbortSignal): Promise<boolean | number> {
  try {
    return await playInContainers(options, interrupted);
  } catch (error) {
    if (interrupted.aborted || !(error instanceof Impossible)) throw error;
    screen.conclude(`\nnpm run demo -- --ecs ministack: impossible here: ${error.message}`);
    return impossibleExitCode;
  }
}

async function playInContainers({ keep }: DemoOptions, interrupted: AbortSignal): Promise<boolean> {
  screen.say("== Set-up");
  await using stage = await setContainerStage({ say: (line) => screen.say(line), signal: interrupted });
  const evidence = (): Promise<void> => writeContainerEvidence(stage);
  const good = await perform(stage, interrupted, (signal) => playContainers(stage, screen, keep, signal), evidence);
  if (keep) {
    const { controlPlane, containers, directory } = stage;
    screen.say(`
Everything is still running. In another terminal:

  export KUBECONFIG=${controlPlane.kubeconfig}
  ${controlPlane.kubectlPath} get getabako -n ${stage.namespace}
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --endpoint-url ${containers.url} ecs list-tasks --cluster runners --desired-status STOPPED
  tail -f ${join(directory, "operator.log")}

Ctrl-C ends everything and removes it.`);
    if (!interrupted.aborted) await once(interrupted, "abort");
  }
  return good;
}

/** perform plays a demo and shows its table; where that does not hold, the evidence is kept. */
async function perform(
  stage: Ground,
  interrupted: AbortSignal,
  run: (signal: AbortSignal) => Promise<Row[]>,
  evidence: () => Promise<void>,
): Promise<boolean> {
  // What the demo waits for cannot come any more once the operator has ended.
  const broken = new AbortController();
  void stage.operator.exited.then((code) =>
    broken.abort(new Error(`the operator ended by itself (exit ${code}): ${stage.operator.log.slice(-3).join("\n")}`)),
  );
  let good = false;
  try {
    good = report(await run(AbortSignal.any([interrupted, broken.signal])));
  } finally {
    if (!good && !interrupted.aborted) {
      await evidence().catch(() => undefined);
      stage.keepDirectory();
      screen.say(`The operator's log, all objects and what the other sides saw are in ${stage.directory}`);
    }
  }
  return good;
}

/** play is the demo itself; it gives the rows of the final table. */
async function play(stage: Stage, jobs: number, keep: boolean, signal: AbortSignal): Promise<Row[]> {
  screen.say("\n== GitHub's published workflow_job examples, signed and sent");
  const replayed = await replayExamples(stage.github);
  for (const line of examplesTable(replayed)) screen.say(line);

  const plan = planBurst(jobs);
  const besides = `${plan.uncovered.length} that no target covers, ${plan.hosted.length} for GitHub's own machines`;
  screen.say(`\n== ${plannedJobs(plan)} jobs in two repositories, for four targets over two classes; besides, ${besides}`);
  const baseline = await takeBaseline(stage);
  const burst = await runBurst(stage, plan, screen, signal);
  const costs = await readCosts(stage, baseline);

  if (burst.trouble !== undefined) screen.say(`\n${burst.trouble}`);

  screen.say("\n== kubectl get runnerrequests -o wide");
  screen.say((await stage.kubectl(["get", "runnerrequests", "-n", stage.namespace, "-o", "wide"])).trimEnd());
  const exitCode = keep ? undefined : await stage.operator.stop();
  const facts = await collectFacts(stage, burst, costs);

  const waits = facts.waitsMs.toSorted((a, b) => a - b);
  const seconds = (ms = 0): string => (ms / 1_000).toFixed(1);
  const median = waits[Math.floor(waits.length / 2)];
  screen.say(`\n== Expected and seen, after ${seconds(burst.ms)} s`);
  screen.say(
    `Jobs waited ${seconds(median)} s (median) to ${seconds(waits.at(-1))} s to start, most of it for a slot of their target; ` +
      `${facts.swapped} ran on a runner that another job had asked for, as GitHub assigns by labels.`,
  );
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  screen.say(`Kubernetes writes: ${list(facts.writes.objects)}.`);
  screen.say(
    `GitHub calls: ${list(facts.githubCalls)}; about the App itself: ${list(facts.githubAppCalls)}; sweeps: ${list(facts.githubSweepCalls)}.`,
  );
  screen.say("\nJobs that chose their runner by label, and what ECS has, read back from its API:");
  for (const line of shapesTable(facts.shapes)) screen.say(line);
  screen.say();
  const ignored = replayed.filter(({ status, outcome }) => status === 200 && outcome === "ignored").length;
  return [
    {
      what: "everything came to its end",
      expected: "yes",
      seen: burst.trouble === undefined ? "yes" : "no",
      ok: burst.trouble === undefined,
    },
    same("published examples answered, and ignored for a reason", replayed.length, ignored),
    ...judge(plan, facts),
    ...(exitCode === undefined ? [] : [same("exit code of the operator after SIGTERM", 0, exitCode)]),
  ];
}

/** report shows the table and tells whether all of it holds. */
function report(rows: readonly Row[]): boolean {
  for (const line of verdictTable(rows)) screen.say(line);
  const failed = rows.filter(({ ok }) => !ok);
  if (failed.length === 0) screen.say(`\nAll ${rows.length} hold.`);
  else screen.say(`\n${failed.length} of ${rows.length} do not hold: ${failed.map(({ what }) => what.trim()).join("; ")}`);
  return failed.length === 0;
}
