import { readdirSync, readFileSync } from "node:fs";
import * as ecs from "@aws-sdk/client-ecs";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import { commands } from "../../src/cli/commands.ts";
import { readTexts } from "../../src/cli/flags.ts";
import { asCluster, tryHelm } from "../chart/helm.ts";
import { tryCommand } from "../cluster/run-command.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { root } from "./markdown.ts";

/** Check says what is wrong with a command's words behind its name, or nothing. */
export type Check = (args: readonly string[]) => Promise<string | undefined>;

/** Those of kubectl's commands that change nothing: they run against the real API server. */
const reading = ["get", "describe", "explain", "api-resources", "events"];

/** checkKubectl has kubectl itself parse the words; what only reads is run, and whatever it names has to be a kind that is there. */
export function checkKubectl(cluster: TestCluster): Check {
  return async (args) => {
    const end = args.indexOf("--");
    const own = end < 0 ? args : args.slice(0, end);
    if (own[0] === "getabako") return checkGetabako(own.slice(1));
    const help = await cluster.tryKubectl([...own, "--help"]);
    if (help.code !== 0) return help.stderr.trim().split("\n")[0];
    if (reading.includes(own[0] ?? "")) return await run(cluster, own);
    if (end < 0) return undefined;
    const [program, ...rest] = args.slice(end + 1);
    return program === "getabako" ? checkGetabako(rest) : `what runs in the pod is getabako, not ${program}`;
  };
}

async function run(cluster: TestCluster, args: readonly string[]): Promise<string | undefined> {
  const bounded = args.filter((word) => !["-w", "--watch"].includes(word)).map((word) => word.replace(/^KIND\b/, "runnertarget"));
  // `kubectl get` alone lists nothing, and stands for the command.
  if (bounded.length < 2) return undefined;
  const { code, stderr } = await cluster.tryKubectl(bounded);
  // The objects of an example are not there.
  return code === 0 || /\(NotFound\)|No resources found/.test(stderr) ? undefined : stderr.trim();
}

const source = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => readFileSync(`${root}src/${name}`, "utf8"))
  .join("\n");

/** checkGrep: what somebody is told to look for in the log or in an answer has to be a word of the program. */
export const checkGrep: Check = async (args) => {
  const pattern = args.findLast((word) => !word.startsWith("-"));
  if (pattern === undefined) return "it looks for nothing";
  // The reader's own.
  if (/^[A-Z_-]+$/.test(pattern)) return undefined;
  return new RegExp(pattern, args.includes("-i") ? "i" : "").test(source) ? undefined : `the program never says ${pattern}`;
};

/** checkGetabako reads the words as the program does. */
export function checkGetabako([name, ...args]: readonly string[]): string | undefined {
  if (name === undefined) return undefined;
  const command = commands.find((each) => each.name === name);
  if (command === undefined) return `getabako has no command ${name}`;
  const problems: string[] = [];
  const words = command.words ?? [];
  readTexts(
    name,
    command.flags,
    args.filter((word) => !words.includes(word)),
    {},
    problems,
  );
  // `getabako explain --job` stands for the command in a line of text.
  return problems.find((problem) => !(args.at(-1)?.startsWith("--") === true && problem === `${args.at(-1)}: needs a value`));
}

/** Flags of helm that only make sense with a cluster. */
const withCluster = ["--create-namespace", "--install", "--reuse-values", "--wait", "--rollback-on-failure"];

/** checkHelm has helm parse the words; what installs our chart is rendered with the same values, which the schema judges. */
export const checkHelm: Check = async (args) => {
  const help = await tryHelm([...args, "--help"]);
  if (help.code !== 0) return help.stderr.trim().split("\n")[0];
  const [verb = ""] = args;
  if (!["install", "upgrade", "template"].includes(verb) || !args.includes("charts/getabako")) return undefined;
  const rest = args
    .slice(1)
    .filter((word) => !withCluster.includes(word))
    .map((word) => (/^(charts|config)\//.test(word) ? `${root}${word}` : word))
    // values.yaml is the reader's own file.
    .map((word) => (word === "values.yaml" ? "/dev/null" : word));
  const rendered = await tryHelm(["template", ...rest, ...asCluster]);
  return rendered.code === 0 ? undefined : rendered.stderr.trim();
};

interface PackageFile {
  readonly scripts: Readonly<Record<string, string>>;
}
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as PackageFile;
const helpTexts = new Map<string, Promise<string>>();

/** checkNpm: the script is there, and knows each flag, by its own help. */
export const checkNpm: Check = async (args) => {
  const name = args[0] === "run" ? args[1] : args[0];
  if (name === undefined || ["ci", "install"].includes(name)) return undefined;
  const script = scripts[name];
  if (script === undefined) return `package.json has no script ${name}`;
  const flags = args.slice(args.indexOf("--") + 1).filter((word) => word.startsWith("--"));
  const file = /^scripts\/node (\S+\.ts)$/.exec(script)?.[1];
  if (flags.length === 0) return undefined;
  if (file === undefined) return `${name} is no program of ours: do not give it flags`;
  const help = helpTexts.get(file) ?? helpOf(file);
  helpTexts.set(file, help);
  const text = await help;
  const unknown = flags.filter((flag) => !new RegExp(`${flag.replace(/=.*/, "")}\\b`).test(text));
  return unknown.length === 0 ? undefined : `${name} --help knows no ${unknown.join(", ")}`;
};

/** What a program says about itself; one without a help has its options in its source, as parseArgs reads them. */
async function helpOf(file: string): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(process.execPath, [`${root}${file}`, "--help"]);
  if (code === 0) return stdout + stderr;
  const text = readFileSync(`${root}${file}`, "utf8");
  const options = /parseArgs\(\{ options: \{([^}]*)\}/.exec(text)?.[1] ?? "";
  return [...options.matchAll(/([a-z-]+)"?:/g)].map(([, option]) => `--${option}`).join(" ");
}

/** The SDKs that the operator uses know their services' operations, so the CLI's can be compared with them. */
const sdks: Readonly<Record<string, object>> = { ecs, sqs, s3api: s3 };
const ofTheCli = ["query", "output", "region", "profile"];

/** checkAws compares a command of the AWS CLI with the model of the service, where the operator has its SDK. */
export const checkAws: Check = async ([service = "", operation = "", ...args]) => {
  const sdk = sdks[service];
  if (sdk === undefined) return undefined;
  const name = operation.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  // A structure's schema is [3, namespace, name, traits, members, ...].
  const schema = (sdk as Readonly<Record<string, readonly unknown[]>>)[`${name}Request$`];
  if (schema === undefined) return `${service} has no operation ${operation}`;
  const members = (schema[4] as readonly string[]).map((member) => member.toLowerCase());
  const flags = args.filter((word) => word.startsWith("--")).map((word) => word.slice(2));
  const unknown = flags.filter((flag) => !ofTheCli.includes(flag) && !members.includes(flag.replaceAll("-", "")));
  return unknown.length === 0 ? undefined : `${service} ${operation} has no --${unknown.join(", --")}`;
};
