import { completion, shells } from "./completion.ts";
import { doctorFlags } from "./doctor/options.ts";
import { explainFlags } from "./explain/options.ts";
import { type Flag, flagHelp, OptionsError, outputFlag, readTexts } from "./flags.ts";
import { optionTable } from "./options.ts";
import { type Output, toJson } from "./output.ts";
import { version } from "./version.ts";

/** Surroundings are what a command needs of the process it runs in. */
export interface Surroundings {
  /** The name that people called the program by. */
  readonly program: string;
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `getabako run`, which is loaded at start; everything else is loaded when it is asked for. */
  readonly serve: (args: readonly string[]) => Promise<number>;
}

/** Command is one word after the program's name. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** How it is called, after its name. */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** Words that may follow without a flag. */
  readonly words?: readonly string[];
  /** @returns the exit code. @throws OptionsError, for exit code 2. */
  readonly run: (args: readonly string[], surroundings: Surroundings) => Promise<number> | number;
}

/** commands is every command, in the order of the help text. */
export const commands: readonly Command[] = [
  {
    name: "run",
    summary: "serve webhooks and run the controllers",
    usage: "[options]",
    flags: optionTable,
    run: (args, { serve }) => serve(args),
  },
  {
    name: "doctor",
    summary: "check the whole chain from the API server to AWS, and say what to do",
    usage: "[options]",
    flags: doctorFlags,
    run: async (args, surroundings) => (await import("./doctor/command.ts")).doctor(args, surroundings),
  },
  {
    name: "explain",
    summary: "say which target would serve a job and with what, or what a request waits for",
    usage: "--repo OWNER/NAME --labels LABEL,... | --job NAME",
    flags: explainFlags,
    run: async (args, surroundings) => (await import("./explain/command.ts")).explain(args, surroundings),
  },
  { name: "version", summary: "print the version", usage: "[-o json]", flags: [outputFlag], run: printVersion },
  {
    name: "completion",
    summary: `print the completion of a shell: ${shells.join(", ")}`,
    usage: "SHELL",
    flags: [],
    words: shells,
    run: (args, surroundings) => completion(commands, args, surroundings),
  },
];

/** runCommand does what a command line asks for. @returns the exit code: 2 for a command line that is not understood. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { output, program } = surroundings;
  const [name = "", ...rest] = args;
  const command = commands.find((candidate) => candidate.name === (name === "--version" ? "version" : name));
  const asksForHelp = ["help", "--help", "-h"];
  if (command === undefined) {
    if (asksForHelp.includes(name)) {
      const about = commands.find((candidate) => candidate.name === rest[0]);
      output.out(about === undefined ? usage(program) : commandHelp(program, about));
      return 0;
    }
    output.err(name === "" ? usage(program) : `[getabako] "${name}" is not a command\n\n${usage(program)}`);
    return 2;
  }
  if (rest.some((word) => word === "--help" || word === "-h")) {
    output.out(commandHelp(program, command));
    return 0;
  }
  try {
    return await command.run(rest, surroundings);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    for (const problem of error.problems) output.err(`[getabako] ${problem}\n`);
    return 2;
  }
}

function printVersion(args: readonly string[], { output, env }: Surroundings): number {
  const problems: string[] = [];
  const texts = readTexts("version", [outputFlag], args, env, problems);
  if (problems.length > 0) throw new OptionsError(problems);
  const facts = { version, node: process.version, platform: `${process.platform}-${process.arch}` };
  output.out(texts.output === "json" ? toJson(facts) : `getabako ${version}\n`);
  return 0;
}

function usage(program: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const rows = commands.map(({ name, summary }) => `  ${program} ${name.padEnd(width)}${summary}\n`);
  return `getabako ${version}: ephemeral GitHub Actions runners on AWS ECS, driven from Kubernetes

${rows.join("")}
\`${program} COMMAND --help\` lists the options of a command.
`;
}

function commandHelp(program: string, { name, summary, usage: how, flags }: Command): string {
  const options = flags.length === 0 ? "" : `\nOptions:\n${flagHelp(flags)}`;
  return `${program} ${name}: ${summary}\n\n  ${program} ${name} ${how}\n${options}`;
}
