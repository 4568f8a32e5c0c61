import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkGround } from "../../demo/playground/ground.ts";
import { Impossible, impossibleExitCode } from "../e2e/container-ecs.ts";
import { Story } from "../e2e/story.ts";
import { readSteps, type Step } from "./document.ts";
import { becomeNewcomer, type Newcomer } from "./newcomer.ts";
import { type Running, Terminal } from "./terminal.ts";

/*
 * `npm run test:quick-start`: docs/quick-start.md as a newcomer follows it. A clone of HEAD, a shell without anything of ours, and every
 * block of commands of the document, literally and in order; what the document shows is what they must print.
 */

const page = "docs/quick-start.md";
/** A step of the reader's own; the longest waits that the page itself names are shorter. */
const stepMs = 180_000;
/** npm ci, and the first build of the cluster's programs. */
const firstTerminalMs = 1_500_000;
const endMs = 60_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function follow(newcomer: Newcomer, story: Story): Promise<void> {
  const { clone, env, memory } = newcomer;
  const terminal = new Terminal({ directory: clone, env, memory: join(memory, "second") });
  // The other terminal knows nothing of what is exported in this one.
  const first = new Terminal({ directory: clone, env, memory: join(memory, "first") });
  const staying: Running[] = [];
  const take = async ({ commands, expected, ends }: Step): Promise<void> => {
    if (ends === "itself") await terminal.run(commands, expected, stepMs);
    else if (ends === "last") staying.push(await first.start(commands, expected, firstTerminalMs));
    else await (await terminal.start(commands, expected, stepMs)).interrupt(endMs);
  };
  try {
    const steps = readSteps(await readFile(join(clone, page), "utf8"));
    for (const step of steps) await story.step(step.title, () => take(step), { essential: true });
  } finally {
    await story.step("Ctrl-C in the first terminal leaves nothing behind", async () => {
      for (const running of staying) {
        const code = await running.interrupt(endMs);
        if (!running.printed.includes("the playground is gone")) throw new Error(`exit code ${code}:\n${running.printed}`);
      }
      const left = await newcomer.leftovers();
      if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
    });
  }
}

async function main(): Promise<number> {
  await checkGround();
  const stop = Promise.withResolvers<never>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.reject(new Error(signal)));
  await using newcomer = await becomeNewcomer((line) => void process.stderr.write(`${line}\n`));
  const story = new Story(print, async () => undefined);
  await Promise.race([follow(newcomer, story), stop.promise]);
  print(`${story.passed} passed, ${story.failed} failed`);
  return story.failed === 0 ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const impossible = error instanceof Impossible;
  process.stderr.write(`npm run test:quick-start: ${impossible ? "impossible here: " : ""}${message}\n`);
  process.exit(impossible ? impossibleExitCode : 1);
}
