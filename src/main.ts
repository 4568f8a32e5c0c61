#!/usr/bin/env node
import { helpText, OptionsError, parseOptions } from "./cli/options.ts";
import { run } from "./cli/run.ts";
import { version } from "./cli/version.ts";
import { createLogger } from "./telemetry/log.ts";

const usage = `getabako ${version}: ephemeral GitHub Actions runners on AWS ECS, driven from Kubernetes

  getabako run [options]   serve webhooks and run the controllers
  getabako version         print the version

Options of run:
${helpText()}`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === "version" || command === "--version") {
    process.stdout.write(`getabako ${version}\n`);
    return 0;
  }
  if (command === undefined || command === "help" || args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return command === undefined ? 2 : 0;
  }
  if (command !== "run") {
    process.stderr.write(`[getabako] "${command}" is not a command\n\n${usage}`);
    return 2;
  }
  return runUntilTold(rest);
}

async function runUntilTold(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(args, process.env);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    for (const problem of error.problems) process.stderr.write(`[getabako] ${problem}\n`);
    return 2;
  }
  const log = createLogger({ level: options.logLevel });
  const stop = new AbortController();
  const told = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      log.warn({ signal }, "told to stop a second time, ending at once");
      process.exit(1);
    }
    log.info({ signal }, "stopping");
    stop.abort();
  };
  process.on("SIGTERM", told).on("SIGINT", told);
  process.on("unhandledRejection", (error) => {
    // A promise that nobody awaited may have left work half done: a fresh process begins from what is stored.
    log.fatal({ err: error }, "unhandled rejection, ending");
    process.exit(1);
  });
  try {
    await run(options, log, stop.signal);
    log.info("stopped");
    return 0;
  } catch (error) {
    log.fatal({ err: error }, "ending");
    // At once: passes that are still in hand must not go on in a process that has lost its Lease.
    process.exit(1);
  }
}
