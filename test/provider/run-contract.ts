import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";
import { startEcsSim } from "../sim/ecs/server.ts";
import { type ContractOptions, contractUsage, contractVariable, parseContractOptions } from "./contract/options.ts";
import { detectEmulator, type Emulator } from "./contract/emulators.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const write = (line: string): void => void process.stdout.write(`${line}\n`);

/** main runs the contract as the command line asks, and gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: ContractOptions | "help";
  try {
    options = parseContractOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${contractUsage}\n`);
    return 2;
  }
  if (options === "help") {
    write(contractUsage);
    return 0;
  }
  if (options.endpoint !== undefined) return run({ ...options, endpoint: options.endpoint });
  const sim = await startEcsSim({
    region: options.region,
    clusters: [{ name: options.cluster, capacityProviders: options.providers }],
  });
  try {
    const failed = await run({ ...options, endpoint: sim.url });
    for (const { operation, message } of sim.violations) write(`violation: ${operation}: ${message}`);
    return failed === 0 && sim.violations.length > 0 ? 1 : failed;
  } finally {
    await sim.close();
  }
}

async function run(options: ContractOptions & { readonly endpoint: string }): Promise<number> {
  const emulator = await detectEmulator(options.endpoint);
  write(
    `provider contract at ${options.endpoint}, which is ${emulator.name === "ECS" ? "ECS, or an emulator not known here" : emulator.name}`,
  );
  printExcuses(emulator);
  process.env[contractVariable] = JSON.stringify(options);
  if (emulator.name !== "ECS") {
    // An emulator takes anything, but the SDK sends nothing unsigned.
    process.env["AWS_ACCESS_KEY_ID"] ??= "test";
    process.env["AWS_SECRET_ACCESS_KEY"] ??= "test";
  }
  const file = "test/provider/ecs-endpoint.contract.ts";
  const vitest = await startVitest("test", [file], {
    root,
    config: false,
    watch: false,
    include: [file],
    // Real tasks need minutes to start and to stop.
    testTimeout: emulator.name === "ECS" ? 600_000 : 60_000,
    hookTimeout: 120_000,
    reporters: ["verbose"],
  });
  const failed = vitest.state.getCountOfFailedTests() + vitest.state.getUnhandledErrors().length;
  const passed = vitest.state.getFiles().length > 0 && failed === 0;
  await vitest.close();
  return passed ? 0 : 1;
}

function printExcuses({ name, excuses }: Emulator): void {
  const lines = Object.entries(excuses);
  write(lines.length === 0 ? "excused differences: none" : `excused differences of ${name}:`);
  for (const [title, reason] of lines) write(`  - ${title}\n    ${reason}`);
}

process.exitCode = await main(process.argv.slice(2));
