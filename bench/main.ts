import { writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/build.ts";
import { removalCommand, startJanitor } from "../test/cluster/guard.ts";
import { parseBenchOptions, usage } from "./options.ts";
import { type Figures, type Scenario, type ScenarioName, scenarios } from "./scenarios.ts";
import { setStage } from "./stage.ts";
import { tableOf } from "./table.ts";

/*
 * `npm run bench`: what a job costs. Every run has a control plane of its own and the operator as it is shipped, in a process of its
 * own; the simulators and the clients of this process share the machine with it, and that is said beside the figures.
 */

const root = fileURLToPath(new URL("../", import.meta.url));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`[bench] ${explain(error)}\n`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof parseBenchOptions>;
  try {
    options = parseBenchOptions(args);
  } catch (error) {
    process.stderr.write(`[bench] ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const directory = await mkdtemp(join(tmpdir(), "getabako-bundle-"));
  const janitor = startJanitor(removalCommand(directory));
  const { entry } = await bundle({ entry: `${root}src/main.ts`, outdir: directory, version: "bench", root });
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
        entry: join(root, entry),
        options,
        label: `${name}-${run}`,
        teams: scenario.teams,
        taskStartMs: scenario.taskStartMs,
      };
      await using stage = await setStage(needs);
      const outcome = await scenario.play(stage, (line) => say(`  ${line}`));
      (measured[name] ??= []).push(outcome.figures);
      broken.push(...outcome.broken.map((what) => `${name}, run ${run}: ${what}`));
    }
  }
  for (const name of options.scenarios) say(`\n${tableOf(name, scenarios[name].about, measured[name] ?? [])}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ options, measured, broken }, undefined, 2)}\n`);
  await janitor.run();
  for (const what of broken) say(`failed: ${what}`);
  say(broken.length === 0 ? "all counts are as they have to be" : `${broken.length} counts are not as they have to be`);
  return broken.length === 0 ? 0 : 1;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${explain(error.cause)}`;
}
