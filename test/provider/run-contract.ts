import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";
import { removalCommand, startJanitor } from "../cluster/guard.ts";
import { Impossible, impossibleExitCode, startContainerEcs } from "../e2e/container-ecs.ts";
import { startEcsSim } from "../sim/ecs/server.ts";
import { detectEmulator, type Emulator } from "./contract/emulators.ts";
import { startMoto } from "./contract/moto.ts";
import {
  type ContractOptions,
  contractUsage,
  contractVariable,
  type OwnBackend,
  parseContractOptions,
} from "./contract/options.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const write = (line: string): void => void process.stdout.write(`${line}\n`);

/** Result is one run of the suite against one backend. */
interface Result {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly emulator?: Emulator;
  /** Why it could not be run at all. */
  readonly impossible?: string;
}

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
  const results: Result[] = [];
  if (options.endpoint !== undefined) results.push(await run({ ...options, endpoint: options.endpoint }));
  else for (const name of options.only) results.push(await runOwn(name, options));
  return report(results);
}

/** Starts a backend, runs the suite against it, and removes it. */
async function runOwn(name: OwnBackend, options: ContractOptions): Promise<Result> {
  write(`\n== ${name}`);
  try {
    return await own[name](options);
  } catch (error) {
    if (error instanceof Impossible) return { name, passed: 0, failed: 0, skipped: 0, impossible: error.message };
    write(`${name} cannot be run: ${error instanceof Error ? error.message : String(error)}`);
    return { name, passed: 0, failed: 1, skipped: 0 };
  }
}

const own: Readonly<Record<OwnBackend, (options: ContractOptions) => Promise<Result>>> = {
  simulator: async (options) => {
    const sim = await startEcsSim({
      region: options.region,
      clusters: [{ name: options.cluster, capacityProviders: options.providers }],
    });
    try {
      const result = await run({ ...options, endpoint: sim.url });
      for (const { operation, message } of sim.violations) write(`violation: ${operation}: ${message}`);
      return { ...result, failed: result.failed + sim.violations.length };
    } finally {
      await sim.close();
    }
  },
  moto: async (options) => {
    const directory = await mkdtemp(join(tmpdir(), "getabako-contract-"));
    const janitor = startJanitor(removalCommand(directory));
    try {
      const moto = await startMoto(directory, write);
      try {
        return await run({ ...options, endpoint: moto.url });
      } finally {
        await moto.stop();
      }
    } finally {
      await janitor.run();
    }
  },
  ministack: async (options) => {
    await using containers = await startContainerEcs({ report: write, region: options.region, cluster: options.cluster });
    const [image, other] = containers.images;
    const [node = ""] = image.command;
    // Runs until it is stopped, and then ends at once: as the first process it would not, without a handler.
    const command = [node, "-e", 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6)'];
    return await run({ ...options, endpoint: containers.url, image: image.name, otherImage: other.name, command, node });
  },
};

async function run(options: ContractOptions & { readonly endpoint: string }): Promise<Result> {
  const emulator = await detectEmulator(options.endpoint);
  write(
    `provider contract at ${options.endpoint}, which is ${emulator.name === "ECS" ? "ECS, or an emulator not known here" : emulator.name}`,
  );
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
  const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
  const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
  const [passed, skipped, broken] = [count("passed"), count("skipped"), vitest.state.getUnhandledErrors().length];
  // What neither passed nor was skipped has failed, a suite that could not even be collected included.
  const failed = Math.max(tests.length - passed - skipped + broken, passed > 0 ? 0 : 1);
  await vitest.close();
  return { name: emulator.name, passed, failed, skipped, emulator };
}

function report(results: readonly Result[]): number {
  write("\n== Differences that are an emulator's and not the provider's; their cases were not run");
  for (const { emulator } of results) if (emulator !== undefined) printExcuses(emulator);
  write("");
  for (const { name, passed, failed, skipped, impossible } of results) {
    if (impossible === undefined) write(`${name}: ${passed} passed, ${failed} failed, ${skipped} not applicable or excused`);
    else write(`${name}: SKIPPED, and not counted as passed: ${impossible}`);
  }
  if (results.some(({ failed }) => failed > 0)) return 1;
  return results.some(({ impossible }) => impossible !== undefined) ? impossibleExitCode : 0;
}

function printExcuses({ name, excuses }: Emulator): void {
  const lines = Object.entries(excuses);
  write(`${name}: ${lines.length === 0 ? "none" : lines.length}`);
  for (const [title, reason] of lines) write(`  - ${title}\n    ${reason}`);
}

process.exit(await main(process.argv.slice(2)));
