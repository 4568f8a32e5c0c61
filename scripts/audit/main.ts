import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../build.ts";
import { NotReached, npmAudit } from "./npm-audit.ts";
import { type Exception, exceptionProblems, judge, needless } from "./verdict.ts";

/*
 * `npm run audit`: what is known against the packages of the lockfile, told apart by whether the image has code of them. Exit code 0:
 * nothing that stops us; 1: something does; 69: the registry gave no answer, so nothing is known. Exceptions are in exceptions.json.
 */

const root = fileURLToPath(new URL("../../", import.meta.url));

async function shippedDirectories(): Promise<Set<string>> {
  const outdir = await mkdtemp(join(tmpdir(), "getabako-audit-"));
  try {
    const { packages } = await bundle({ entry: `${root}src/main.ts`, outdir, version: "audit", root });
    return new Set(packages.map(({ directory }) => directory));
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

async function audit(): Promise<number> {
  const exceptions = JSON.parse(await readFile(new URL("exceptions.json", import.meta.url), "utf8")) as Exception[];
  const problems = exceptionProblems(exceptions);
  if (problems.length > 0) throw new Error(`exceptions.json:\n  ${problems.join("\n  ")}`);
  console.log("asking the registry what is known against the packages of the lockfile");
  const advisories = await npmAudit(root);
  const shipped = await shippedDirectories();
  const judged = judge(advisories, shipped, exceptions, new Date().toISOString().slice(0, 10));
  for (const { fails, severity, package: name, range, title, url, because, directories } of judged) {
    console.log(`${fails ? "FAIL" : "note"}  ${severity.padEnd(8)}  ${name} ${range}: ${title}\n      ${because}; ${url}`);
    console.log(`      in ${directories.join(", ")}`);
  }
  for (const { advisory } of needless(exceptions, advisories))
    console.log(`note  ${advisory} is excepted and not there any more`);
  const failed = judged.filter(({ fails }) => fails).length;
  console.log(`audit: ${advisories.length} advisories, ${failed} of them stop us; ${shipped.size} packages are in the image`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await audit();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  // 69 is EX_UNAVAILABLE of sysexits.h.
  process.exitCode = error instanceof NotReached ? 69 : 1;
  if (error instanceof NotReached)
    console.error(`audit: SKIPPED, the registry's advisories were not reached, nothing is known: ${reason}`);
  else console.error(`[getabako] ${reason}`);
}
