import { writeFileSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../scripts/build.ts";
import { startControlPlane } from "../cluster/control-plane.ts";
import { removalCommand, startJanitor } from "../cluster/guard.ts";
import { installCrds } from "../support/install-crds.ts";
import { generateScript } from "./generate.ts";
import { type ChaosOptions, parseChaosOptions, usage } from "./options.ts";
import { runOutage } from "./outage.ts";
import { runSeed, type SeedResult } from "./run-seed.ts";
import type { Script } from "./script.ts";
import { takeAway } from "./take-away.ts";
import { weaken, type WeaknessName } from "./weaknesses.ts";

/*
 * `npm run chaos`: scripts of random jobs and random faults against two operators on a real API server, and a verdict by the
 * simulators. It exits with 0 only if every invariant held for every seed.
 */

const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
const root = fileURLToPath(new URL("../../", import.meta.url));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: ChaosOptions;
  try {
    options = parseChaosOptions(args);
  } catch (error) {
    process.stderr.write(`npm run chaos: ${error instanceof Error ? error.message : "wrong options"}\n\n${usage}`);
    return exitCodes.usage;
  }
  if (options.help) {
    process.stdout.write(usage);
    return exitCodes.ok;
  }
  if (options.printScript) {
    say(JSON.stringify(generateScript(options), undefined, 1));
    return exitCodes.ok;
  }
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      // A second one does not wait: everything that was started ends with this process.
      if (stop.signal.aborted) process.exit(exitCodes.interrupted);
      stop.abort(new Error("interrupted"));
    });
  }
  try {
    return (await chaos(options, stop.signal)) ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.interrupted;
    process.stderr.write(`npm run chaos: ${error instanceof Error ? error.stack : String(error)}\n`);
    return exitCodes.failed;
  }
}

async function chaos(options: ChaosOptions, signal: AbortSignal): Promise<boolean> {
  await using started = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "getabako-chaos-"));
  // Also when this process is killed: only a mark in the directory keeps it.
  const script = 'directory=$1; shift; [ -e "$directory/.keep" ] || exec "$@"';
  const janitor = startJanitor(["/bin/sh", "-c", script, "remove", directory, ...removalCommand(directory)]);
  started.defer(() => janitor.run());
  const keep = (): void => writeFileSync(join(directory, ".keep"), "");
  if (options.keep) keep();

  const entry = await build(join(directory, "program"));
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
    const weakened = { entry: await build(join(without, "program"), options.weaken), directory: without };
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

/** The bundle is what runs in production; the same for all seeds. */
async function build(outdir: string, weakness?: WeaknessName): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const plugins = weakness === undefined ? [] : [weaken(weakness, root)];
  const { entry } = await bundle({ entry: join(root, "src/main.ts"), outdir, version, root, plugins });
  return join(root, entry);
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
