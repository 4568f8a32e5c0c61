import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startControlPlane } from "../cluster/control-plane.ts";
import { buildOperator } from "../support/built-operator.ts";
import { installCrds } from "../support/install-crds.ts";
import { runProgram } from "../support/program.ts";
import { makeRunDirectory } from "../support/run-directory.ts";
import { generateScript } from "./generate.ts";
import { type ChaosOptions, parseChaosOptions, usage } from "./options.ts";
import { runOutage } from "./outage.ts";
import { runSeed, type SeedResult } from "./run-seed.ts";
import type { Script } from "./script.ts";
import { takeAway } from "./take-away.ts";
import { weaken } from "./weaknesses.ts";

/*
 * `npm run chaos`: scripts of random jobs and random faults against two operators on a real API server, and a verdict by the
 * simulators. It exits with 0 only if every invariant held for every seed.
 */

const root = fileURLToPath(new URL("../../", import.meta.url));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

process.exitCode = await runProgram({ name: "npm run chaos", usage, parse: parseChaosOptions, run: chaos });

async function chaos(options: ChaosOptions, signal: AbortSignal): Promise<boolean> {
  if (options.printScript) {
    say(JSON.stringify(generateScript(options), undefined, 1));
    return true;
  }
  await using started = new AsyncDisposableStack();
  const { directory, keep } = await makeRunDirectory("chaos", started);
  if (options.keep) keep();

  const entry = await buildOperator(join(directory, "program"));
  const controlPlane = await startControlPlane({ report: say, ownServer: true });
  started.defer(() => controlPlane.stop());
  await installCrds(controlPlane);
  signal.throwIfAborted();

  const shared = { ...options, controlPlane, entry, directory, say, signal };
  if (options.outage) {
    const result = await runOutage(shared);
    say(`  ${result.compressedHours.toFixed(1)} hours of production; live heaps ${result.liveHeapMiB.join(" and ")} MiB`);
    if (!result.ok) keep();
    return await conclude(options, [result], directory);
  }
  const playOne = async (script: Script, more: { entry?: string; directory?: string } = {}): Promise<SeedResult> => {
    const result = await runSeed(script, { ...shared, ...more });
    if (!result.ok) keep();
    say(JSON.stringify(result));
    for (const { invariant, detail } of result.findings.slice(0, 20))
      say(`  BROKEN seed ${result.seed}: ${invariant}: ${detail}`);
    for (const story of result.stories ?? []) say(`  ${story}`);
    return result;
  };
  const scripts = Iterator.from(seedsOf(options)).map((seed) => generateScript({ ...options, seed }));
  if (options.weaken !== undefined) {
    const without = join(directory, "weakened");
    const weakened = { entry: await buildOperator(join(without, "program"), [weaken(options.weaken, root)]), directory: without };
    const play = (script: Script, which: "weakened" | "whole"): Promise<SeedResult> =>
      playOne(script, which === "weakened" ? weakened : {});
    const { found, results } = await takeAway(options.weaken, scripts, play, say);
    await conclude(options, results, directory);
    return found;
  }
  const results: SeedResult[] = [];
  for (const script of scripts) results.push(await playOne(script));
  return await conclude(options, results, directory);
}

function* seedsOf({ seed, runs }: ChaosOptions): Generator<number> {
  for (let run = 0; run < runs; run++) yield seed + run;
}

async function conclude(
  { json, keep }: ChaosOptions,
  results: readonly { readonly ok: boolean; readonly seed?: number; readonly seconds: number }[],
  directory: string,
): Promise<boolean> {
  const failed = results.filter(({ ok }) => !ok);
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ ok: failed.length === 0, seconds, results }, undefined, 1)}\n`);
  say(
    failed.length === 0
      ? `all invariants held: ${results.length} of ${results.length} runs, ${seconds.toFixed(0)} s`
      : `${failed.length} of ${results.length} runs broke an invariant: seeds ${failed.map(({ seed }) => seed).join(", ")}`,
  );
  if (keep || failed.length > 0) say(`logs and stories are in ${directory}`);
  return failed.length === 0;
}
