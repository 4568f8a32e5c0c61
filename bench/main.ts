import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { buildOperator } from "../test/support/built-operator.ts";
import { orInterrupted, runProgram } from "../test/support/program.ts";
import { makeRunDirectory } from "../test/support/run-directory.ts";
import { type BenchOptions, parseBenchOptions, usage } from "./options.ts";
import { type Figures, type Scenario, type ScenarioName, scenarios } from "./scenarios.ts";
import { setStage } from "./stage.ts";
import { tableOf } from "./table.ts";

/*
 * `npm run bench`: what a job costs. Every run has a control plane of its own and the operator as it is shipped, in a process of its
 * own; the simulators and the clients of this process share the machine with it, and that is said beside the figures.
 */

process.exitCode = await runProgram({ name: "npm run bench", usage, parse: parseBenchOptions, run: bench });

async function bench(options: BenchOptions, interrupted: AbortSignal): Promise<boolean> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await using building = new AsyncDisposableStack();
  const { directory } = await makeRunDirectory("bundle", building);
  const entry = await buildOperator(directory);
  const { github, ecs } = options.latencyMs;
  say(
    `Node ${process.version}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB; GitHub ${github} ms, ECS ${ecs} ms${options.throttle ? ", throttled" : ""}`,
  );
  const measured: Partial<Record<ScenarioName, Figures[]>> = {};
  const broken: string[] = [];
  // Round by round rather than scenario by scenario: what changes on the machine meanwhile hits all alike.
  for (let run = 1; run <= options.runs; run++) {
    for (const name of options.scenarios) {
      const scenario: Scenario = scenarios[name];
      say(`${name}, run ${run} of ${options.runs}: ${scenario.about}`);
      const needs = {
        entry,
        options,
        label: `${name}-${run}`,
        teams: scenario.teams,
        taskStartMs: scenario.taskStartMs,
      };
      await using stage = await setStage(needs);
      const outcome = await orInterrupted(
        scenario.play(stage, (line) => say(`  ${line}`)),
        interrupted,
      );
      (measured[name] ??= []).push(outcome.figures);
      broken.push(...outcome.broken.map((what) => `${name}, run ${run}: ${what}`));
    }
  }
  for (const name of options.scenarios) say(`\n${tableOf(name, scenarios[name].about, measured[name] ?? [])}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ options, measured, broken }, undefined, 2)}\n`);
  for (const what of broken) say(`failed: ${what}`);
  say(broken.length === 0 ? "all counts are as they have to be" : `${broken.length} counts are not as they have to be`);
  return broken.length === 0;
}
