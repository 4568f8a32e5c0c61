import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { tryCommand } from "../cluster/run-command.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Check, checkAws, checkGetabako, checkGrep, checkHelm, checkKubectl, checkNpm } from "./command-checks.ts";
import { pages, readPage, root, where } from "./markdown.ts";
import { commandsOf, syntaxProblem } from "./shell.ts";

/*
 * Every command in the documents: bash parses it and tells which programs it would run with which words; each program that is here
 * then judges its words itself, and runs where it only reads or renders.
 */
const cluster = testCluster();
const checks: Readonly<Record<string, Check>> = {
  kubectl: checkKubectl(cluster),
  helm: checkHelm,
  npm: checkNpm,
  aws: checkAws,
  getabako: async (args) => checkGetabako(args),
  grep: checkGrep,
};

/** What a reader's machine has, and does what everybody knows. */
const everywhere = ["basename", "cat", "chmod", "curl", "diff", "jq", "ln", "mkdir", "openssl", "sed", "sleep", "sudo"];

/** Commands that cannot run here, each with the reason: one that no document has any more must go from this list. */
const cannotRun: readonly (readonly [command: string, because: string])[] = [
  ["aws iam", "needs an AWS account; the policies that it is given are held against the code"],
  ["aws ec2", "needs an AWS account"],
  ["aws eks", "needs an EKS cluster"],
  ["aws ecr", "needs an AWS account"],
  ["aws logs", "needs an AWS account"],
  ["aws events", "needs an AWS account; its pattern is one of the files"],
  ["aws ecs", "needs an AWS account; operation and options are compared with the SDK's model"],
  ["aws sqs", "needs an AWS account; operation and options are compared with the SDK's model"],
  ["aws s3api", "needs an AWS account; operation and options are compared with the SDK's model"],
  ["aws cloudwatch", "needs an AWS account"],
  ["docker info", "runs in a runner that has a daemon"],
  ["docker build", "needs a container engine"],
  ["docker buildx", "needs a container engine"],
  ["docker push", "needs a registry"],
  ["docker login", "needs a registry"],
  ["gh api", "needs GitHub"],
  ["git tag", "makes a release"],
  ["git push", "needs a repository elsewhere"],
  ["git checkout", "changes the tree that is tested"],
  ["skopeo copy", "needs a registry"],
];

const all = pages();
const scripts = all.flatMap((page) => page.blocks.filter(({ language }) => ["sh", "bash", "shell"].includes(language)));
const inText = /^(kubectl|helm|npm|getabako|aws|docker) \S/;
/** Commands in a line of text: what may be left out is in square brackets, and three dots stand for the rest. */
const spans = [
  ...new Set(
    all.flatMap(({ spans: found }) =>
      found.filter((span) => inText.test(span)).map((span) => span.replace(/[[\]]|\.\.\.|…/g, "").replaceAll("&lt;", "<")),
    ),
  ),
];

/** A command is in many documents, and judged once. */
const judged = new Map<string, Promise<string | undefined>>();

function judge(program: string, args: readonly string[]): Promise<string | undefined> {
  const key = [program, ...args].join("\0");
  const known = judged.get(key) ?? checks[program]?.(args) ?? Promise.resolve(undefined);
  judged.set(key, known);
  return known;
}

async function problemsOf(script: string): Promise<string[]> {
  const found: string[] = [];
  for (const [program = "", ...args] of await commandsOf(script)) {
    const listed = cannotRun.some(([command]) => command === `${program} ${args[0]}`);
    // A part of the AWS CLI may have a judge, and still cannot run.
    const known = everywhere.includes(program) || listed || (program in checks && program !== "aws");
    const problem = known ? await judge(program, args) : "nobody here knows this program";
    if (problem !== undefined) found.push(`${[program, ...args].join(" ")}: ${problem}`);
  }
  return found;
}

describe("scripts", () => {
  it.each(scripts.map((block) => [where(block), block.text] as const))(
    "%s is a shell script of commands that are known",
    async (_, text) => {
      expect(await syntaxProblem(text)).toBeUndefined();
      expect(await problemsOf(text)).toEqual([]);
    },
  );
});

describe("commands in a line of text", () => {
  it.each(spans)("%s is known", async (span) => {
    expect(await problemsOf(span)).toEqual([]);
  });
});

describe("the commands that cannot run here", () => {
  it("are all in the documents", async () => {
    const used = new Set<string>();
    for (const text of [...scripts.map((block) => block.text), ...spans]) {
      for (const words of await commandsOf(text)) used.add(words.slice(0, 2).join(" "));
    }
    expect(cannotRun.map(([command]) => command).filter((command) => !used.has(command))).toEqual([]);
  });
});

describe("the judges", () => {
  it.each([
    ["kubectl get runnerrequets", /doesn't have a resource type/],
    ["kubectl get rr --wtach", /unknown flag: --wtach/],
    ["kubectl gte rr", /plugin name/],
    ["kubectl exec deploy/getabako -- getabako docter", /no command docter/],
    ["getabako explain --lables x", /--lables is not an option/],
    ["helm install getabako charts/getabako --set ingres.enabled=true", /ingres/],
    ["helm upgrade getabako charts/getabako --reuse", /unknown flag: --reuse/],
    ["npm run chaoss", /no script chaoss/],
    ["npm run chaos -- --sead 1", /no --sead/],
    ["aws ecs create-clusters", /no operation create-clusters/],
    ["aws sqs create-queue --queue x", /no --queue/],
    ["kubectl logs deploy/getabako | grep 'no such words'", /never says/],
    ["kubctl get rr", /nobody here knows/],
  ])("refuse %s", async (command, why) => {
    expect((await problemsOf(command)).join()).toMatch(why);
  });

  it("see through quotes, variables, pipes and loops", async () => {
    const script = `for each in a b; do
  kubectl get "x $each" \\
    --output 'y z' | grep q
done`;
    const found = (await commandsOf(script)).map((words) => words.join("|")).toSorted();
    expect(found).toEqual(["grep|q", "grep|q", "kubectl|get|x a|--output|y z", "kubectl|get|x b|--output|y z"]);
    expect(await syntaxProblem("for each in a; do")).toMatch(/syntax error/);
  });
});

describe("the first script of docs/eks.md", () => {
  it("fills in every name in capitals of the files for AWS", async () => {
    const script = readPage("docs/eks.md").blocks.find(({ text }) => text.includes("for file in config/iam"))?.text;
    if (script === undefined) throw new Error("docs/eks.md has no such script");
    const directory = await mkdtemp(join(tmpdir(), "getabako-eks-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    await symlink(`${root}config`, join(directory, "config"));
    const { code, stderr } = await tryCommand("bash", ["--norc", "-eu", "-c", `cd "$0"\n${script}`, directory]);
    expect([code, stderr]).toEqual([0, ""]);
    const made = await readdir(join(directory, "aws"));
    expect(made).toHaveLength((await readdir(`${root}config/iam`)).length + (await readdir(`${root}config/aws`)).length);
    for (const name of made) {
      const text = await readFile(join(directory, "aws", name), "utf8");
      JSON.parse(text);
      expect([name, text.match(/\b[A-Z]{4,}(-[A-Z]+)*\b/g)]).toEqual([name, null]);
    }
  });
});
