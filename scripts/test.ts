import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removalCommand, startJanitor } from "../test/cluster/guard.ts";
import { countTests, failures, type StepResult, summary, type VitestReport } from "./test-results.ts";

/*
 * npm test [-- PATTERN or vitest option...]: every check that needs no cluster with nodes. All steps run even if one
 * fails; the last line is "N passed, N failed", where each check counts as one and each test as one.
 */

const root = fileURLToPath(new URL("../", import.meta.url));
const vitestArguments = process.argv.slice(2).filter((argument) => argument !== "--");

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const bin = (name: string): string => join(root, "node_modules", ".bin", name);

// The longest first, so that two at a time end together.
const checks: readonly Check[] = [
  { name: "types", command: [bin("tsc"), "--noEmit"] },
  { name: "lint", command: [bin("oxlint"), "--type-aware"] },
  { name: "generated files", command: [process.execPath, join(root, "scripts", "generate", "main.ts"), "--check"] },
  { name: "format", command: [bin("biome"), "format"] },
];

/** Repeated at the end, where a reader looks first. */
const failed: string[] = [];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function run(command: readonly string[], onOutput?: (chunk: Buffer) => void): Promise<number> {
  const [file = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      stdio: ["ignore", onOutput ? "pipe" : "inherit", onOutput ? "pipe" : "inherit"],
    });
    child.stdout?.on("data", (chunk: Buffer) => onOutput?.(chunk));
    child.stderr?.on("data", (chunk: Buffer) => onOutput?.(chunk));
    child.on("error", (error) => {
      say(`${file} cannot be run: ${error.message}`);
      resolve(127);
    });
    child.on("close", (code) => resolve(code ?? 137));
  });
}

async function runCheck({ name, command }: Check): Promise<StepResult> {
  const startedAt = Date.now();
  const output: Buffer[] = [];
  const code = await run(command, (chunk) => output.push(chunk));
  const ms = Date.now() - startedAt;
  if (code !== 0) say(Buffer.concat(output).toString("utf8").trimEnd());
  say(`${name}: ${code === 0 ? "ok" : `FAILED (exit ${code})`}, ${(ms / 1000).toFixed(1)} s`);
  return { name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, ms };
}

async function runTests(project: string, directory: string): Promise<StepResult> {
  const startedAt = Date.now();
  const file = join(directory, `${project}.json`);
  say(`\n${project} tests:`);
  const code = await run([
    bin("vitest"),
    "run",
    `--project=${project}`,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    // A pattern may well match files of one project only.
    ...(vitestArguments.length > 0 ? ["--passWithNoTests", ...vitestArguments] : []),
  ]);
  const report = existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as VitestReport) : undefined;
  failed.push(...failures(report));
  return { name: `${project} tests`, ...countTests(report, code), ms: Date.now() - startedAt };
}

async function runChecks(): Promise<StepResult[]> {
  say(`checks: ${checks.map(({ name }) => name).join(", ")}`);
  const results: StepResult[] = [];
  const waiting = [...checks];
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) results.push(await runCheck(check));
  };
  // The machine that this has to be quick on has two cores.
  await Promise.all([worker(), worker()]);
  return results;
}

const directory = await mkdtemp(join(tmpdir(), "getabako-test-"));
const janitor = startJanitor(removalCommand(directory));
try {
  const steps = await runChecks();
  const tests = [await runTests("unit", directory), await runTests("integration", directory)];
  if (tests.every(({ passed, failed }) => passed + failed === 0)) {
    say(`no test ran: nothing matches ${vitestArguments.join(" ")}`);
    steps.push({ name: "at least one test", passed: 0, failed: 1, skipped: 0, ms: 0 });
  }
  steps.push(...tests);
  for (const line of failed) say(line.replaceAll(root, ""));
  say(`\n${summary(steps)}`);
  process.exitCode = steps.some(({ failed }) => failed > 0) ? 1 : 0;
} finally {
  await janitor.run();
}
