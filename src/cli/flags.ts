import { parseArgs } from "node:util";

/** Flag is one option of a command: what its help, its completion and its reading are made from. */
export interface Flag {
  readonly flag: string;
  /** One letter, where people are used to one. */
  readonly short?: string;
  /** The variable that is read when the flag is not given. */
  readonly env?: string;
  readonly fallback?: string;
  /** What stands for the value in the help: NAMESPACE. */
  readonly value?: string;
  /** The only values, where there are few. */
  readonly values?: readonly string[];
  readonly help: string;
}

/** OptionsError lists everything that is wrong with a command line, not only the first thing. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** readFlags reads the flags that were given, as text, and adds what it does not understand to `problems`. */
export function readFlags<Name extends string>(
  command: string,
  table: readonly (Flag & { readonly flag: Name })[],
  args: readonly string[],
  problems: string[],
): Partial<Record<Name, string>> {
  const known = Object.fromEntries(
    table.map(({ flag, short }) => [flag, { type: "string" as const, ...(short !== undefined && { short }) }]),
  );
  const values: Partial<Record<Name, string>> = {};
  const { tokens } = parseArgs({ args: [...args], options: known, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "positional") problems.push(`"${token.value}" is not understood; options begin with --`);
    if (token.kind !== "option") continue;
    const row = table.find(({ flag }) => flag === token.name);
    if (row === undefined) problems.push(`${token.rawName} is not an option of getabako ${command}`);
    else if (token.value === undefined) problems.push(`--${row.flag}: needs a value`);
    else values[row.flag] = token.value;
  }
  return values;
}

/** readTexts reads the flags, then their variables, then their defaults; closed lists of values are checked. "" means "not set". */
export function readTexts<Name extends string>(
  command: string,
  table: readonly (Flag & { readonly flag: Name })[],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Readonly<Record<Name, string>> {
  const given = readFlags(command, table, args, problems);
  const texts = table.map(({ flag, env: variable, fallback = "", values }): [Name, string] => {
    // An empty variable is how templates say "not set".
    const text = given[flag] ?? ((variable === undefined ? undefined : env[variable]) || fallback);
    if (values !== undefined && text !== "" && !values.includes(text))
      problems.push(`--${flag}: "${text}" is not one of ${values.join(", ")}`);
    return [flag, text];
  });
  return Object.fromEntries(texts) as Record<Name, string>;
}

/** flagHelp is the part of a help text that lists the flags of a command. */
export function flagHelp(table: readonly Flag[]): string {
  const names = table.map(({ flag, short, value }) => {
    const long = value === undefined ? `--${flag}` : `--${flag} ${value}`;
    return short === undefined ? long : `-${short}, ${long}`;
  });
  const width = Math.max(...names.map(({ length }) => length)) + 2;
  return table
    .map(({ env, fallback = "", values, help }, index) => {
      const choices = values === undefined ? "" : ` ${values.join(", ")}.`;
      const standard = fallback === "" ? "" : ` (default ${fallback})`;
      return `  ${(names[index] ?? "").padEnd(width)}${help}${choices}${standard}${env === undefined ? "" : ` [${env}]`}\n`;
    })
    .join("");
}

/** connectionFlags say which cluster a command looks at. */
export const connectionFlags = [
  {
    flag: "kubeconfig",
    value: "FILE",
    help: "Kubeconfig file; by default KUBECONFIG, ~/.kube/config or the pod's service account, as kubectl has it.",
  },
  { flag: "context", value: "NAME", help: "Context of the kubeconfig; by default its current one." },
] as const satisfies readonly Flag[];

/** outputFlag chooses between people and programs. */
export const outputFlag = {
  flag: "output",
  short: "o",
  value: "FORMAT",
  values: ["text", "json"],
  fallback: "text",
  help: "What to print:",
} as const satisfies Flag;
