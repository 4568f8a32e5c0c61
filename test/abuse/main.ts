import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { setStage } from "../../bench/stage.ts";
import { parseBenchOptions } from "../../bench/options.ts";
import { verdictTable } from "../../demo/verdict.ts";
import { buildOperator } from "../support/built-operator.ts";
import { orInterrupted, runProgram } from "../support/program.ts";
import { makeRunDirectory } from "../support/run-directory.ts";
import { abuses } from "./abuses.ts";
import { type AbuseOptions, parseAbuseOptions, usage } from "./options.ts";
import { play, type Seen } from "./play.ts";
import { figures, judge } from "./verdict.ts";

/*
 * `npm run abuse`: strangers against the built operator, in a process of its own on a real API server, with honest webhooks beside them.
 * Everything is on the loopback interface and ends by itself. It exits with 0 only if nothing honest was lost and nothing stayed behind.
 */

const say = (line: string): void => void process.stdout.write(`${line}\n`);
process.exitCode = await runProgram({ name: "npm run abuse", usage, parse: parseAbuseOptions, run: abuse });

async function abuse({ abuses: names, seconds, json }: AbuseOptions, interrupted: AbortSignal): Promise<boolean> {
  await using building = new AsyncDisposableStack();
  const { directory } = await makeRunDirectory("abuse", building);
  say(`Node ${process.version}, ${cpus().length} cores, which the API server, the operator, the abuser and the honest share`);
  const entry = await buildOperator(join(directory, "program"));
  await using stage = await setStage({
    entry,
    options: parseBenchOptions([]),
    label: "abuse",
    teams: 1,
  });
  // Requests are stored and nothing is launched: what is looked at is the front door.
  await stage.applyObjects({ maxRunners: 0, wait: false });
  const all: Seen[] = [];
  for (const [index, name] of names.entries()) {
    say(`${name}: ${abuses[name].about}, for ${seconds} s`);
    const firstId = 1_000_000 * (index + 1);
    const seen = await orInterrupted(play(name, { entry, directory, stage, seconds, firstId }), interrupted);
    all.push(seen);
    const { honest } = seen;
    say(`  ${JSON.stringify(seen.tally)}`);
    say(
      `  honest: ${honest.sent} sent, ${honest.failed.length} failed, ${honest.lost} lost; ${honest.failedProbes.length} of ${honest.probes} probes failed; descriptors ${seen.descriptorsBefore} before, ${seen.descriptorsAfter} after; ${seen.logLines} lines logged`,
    );
    for (const [name, why] of honest.failed.slice(0, 3)) say(`  ${name}: ${why}`);
  }
  say("");
  for (const line of figures(all)) say(line);
  say("");
  const rows = judge(all);
  for (const line of verdictTable(rows)) say(line);
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ seconds, all, rows }, undefined, 1)}\n`);
  const broken = rows.filter(({ ok }) => !ok).length;
  say(broken === 0 ? "\nAll of it holds." : `\n${broken} of ${rows.length} do not hold.`);
  return broken === 0;
}
