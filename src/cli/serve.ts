import { createLogger } from "../telemetry/log.ts";
import { parseOptions } from "./options.ts";
import { run } from "./run.ts";

/**
 * serve is `getabako run` as a process: it runs until SIGTERM or SIGINT, and ends at once on the second one.
 * @throws OptionsError
 */
export async function serve(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, process.env);
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
