import { once } from "node:events";
import { Impossible, impossibleExitCode } from "../../test/e2e/container-ecs.ts";
import { setStage } from "./stage.ts";

/*
 * `npm run playground`: what docs/quick-start.md plays on. A cluster, the operator's image in it, and simulators of GitHub and ECS; the
 * chart and all objects are for the reader. It stays until Ctrl-C and leaves nothing behind.
 */

const usage = `npm run playground: a cluster of its own, simulated GitHub and ECS, and the operator's image, for docs/quick-start.md

It stays until Ctrl-C, and then removes all of it. It needs Linux and either Docker (for kind) or root; exit code 69 where there is neither.
`;

const startedAt = Date.now();
const say = (line: string): void => {
  process.stdout.write(`[${((Date.now() - startedAt) / 1_000).toFixed(0).padStart(3)} s] ${line}\n`);
};

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    process.stderr.write(`${args[0] === "--help" ? "" : `${args[0]} is not an option\n\n`}${usage}`);
    return args[0] === "--help" ? 0 : 2;
  }
  const stop = new AbortController();
  // npm hands a Ctrl-C on that the terminal has sent here already, so one may come twice: every further one is that one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  const interrupted = once(stop.signal, "abort").then(() => Promise.reject(new Interrupted()));
  // Waited for below; until then it must not count as unhandled.
  interrupted.catch(() => undefined);
  let isUp = false;
  try {
    // What is only half set up goes with this process: every part of it has a guard or a janitor that waits for that.
    await using stage = await Promise.race([setStage(say), interrupted]);
    isUp = true;
    process.stdout.write(`
The playground is up. In a second terminal, in this folder, go on with docs/quick-start.md:

  . ${stage.environmentFile}

which exports

${stage.exports.map((line) => `  ${line}`).join("\n")}

Ctrl-C ends the playground and removes all of it.
`);
    await interrupted.catch(() => undefined);
    say("removing everything");
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
  say("the playground is gone");
  return isUp ? 0 : 130;
}

class Interrupted extends Error {}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const impossible = error instanceof Impossible;
  process.stderr.write(`npm run playground: ${impossible ? "impossible here: " : ""}${message}\n`);
  process.exit(impossible ? impossibleExitCode : 1);
}
