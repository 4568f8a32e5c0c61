import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pages, root, where } from "./markdown.ts";

/*
 * The AWS policies of config/iam against the code: what the code may call is in them, and nothing else is.
 */
interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

const folder = "config/iam";
const files = readdirSync(`${root}${folder}`);
const policies = new Map(
  files.map((name) => [name, JSON.parse(readFileSync(`${root}${folder}/${name}`, "utf8")) as Policy] as const),
);
const list = (value: string | readonly string[] = []): readonly string[] => (typeof value === "string" ? [value] : value);
const actionsOf = ({ Statement }: Policy): string[] => Statement.flatMap(({ Action }) => list(Action));
const operator = files.filter((name) => name.startsWith("operator"));

function sources(directory: string): string {
  return readdirSync(`${root}${directory}`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(`${root}${directory}/${name}`, "utf8"))
    .join("\n");
}

const code = sources("src/provider");
const elsewhere = [
  "accounting",
  "api",
  "cli",
  "controllers",
  "github",
  "intake",
  "kube",
  "overrides",
  "request",
  "telemetry",
  "util",
];

/** The SDK's client of each command: commands are told apart by the file that imports one SDK and no other. */
const services: readonly (readonly [sdk: string, prefix: string])[] = [
  ["@aws-sdk/client-ecs", "ecs"],
  ["@aws-sdk/client-s3", "s3"],
  ["@aws-sdk/client-sqs", "sqs"],
];

/** SQS' batches are the right of the single call. Source: Amazon SQS, service authorization reference. */
const rightOf = (service: string, command: string): string => `${service}:${command.replace(/^(DeleteMessage)Batch$/, "$1")}`;

function calledActions(): string[] {
  const perFile = readdirSync(`${root}src/provider`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(`${root}src/provider/${name}`, "utf8"));
  return perFile.flatMap((text) => {
    const commands = [...text.matchAll(/new (?:\w+\.)?([A-Z]\w+)Command\(/g)].map(([, name]) => name ?? "");
    if (commands.length === 0) return [];
    const used = services.filter(([sdk]) => text.includes(`"${sdk}"`));
    if (used.length !== 1) throw new Error(`${commands.join()} are of ${used.length} SDKs: which one?`);
    return commands.map((command) => rightOf(used[0]?.[1] ?? "", command));
  });
}

/** Rights that no command is named after, each with the words of the code that ask for it. */
const implied: readonly (readonly [action: string, because: string])[] = [
  ["ecs:TagResource", "tags: launchTags(launch)"],
  ["iam:PassRole", "executionRoleArn: spec.executionRoleArn"],
  ["kms:GenerateDataKey", 'ServerSideEncryption: "aws:kms"'],
  // SQS decrypts for the reader.
  ["kms:Decrypt", "new sdk.ReceiveMessageCommand"],
  ["sts:AssumeRole", "fromTemporaryCredentials({"],
  // Session tags of EKS Pod Identity are transitive: they go along with every AssumeRole of the pod.
  ["sts:TagSession", "fromTemporaryCredentials({"],
];

describe("the policies of the operator", () => {
  it("allow every call that the code can make, and no other", () => {
    const needed = [...new Set([...calledActions(), ...implied.map(([action]) => action)])];
    expect(needed).toEqual(expect.arrayContaining(["ecs:RunTask", "s3:PutObject", "sqs:DeleteMessage"]));
    const allowed = [...new Set(operator.flatMap((name) => actionsOf(policies.get(name) as Policy)))];
    expect(allowed.toSorted()).toEqual(needed.toSorted());
  });

  it.each(implied)("allow %s, which the code still asks for", (_, because) => {
    expect(code).toContain(because);
  });

  it("are for all of the code: no other folder has an SDK of AWS", () => {
    expect(elsewhere.filter((name) => /from "@aws-sdk|import\("@aws-sdk/.test(sources(`src/${name}`)))).toEqual([]);
  });

  it("limit whatever starts, stops or passes something to names", () => {
    const wide = operator.flatMap((name) =>
      (policies.get(name) as Policy).Statement.filter(({ Resource }) => list(Resource).includes("*")).flatMap(({ Action }) =>
        list(Action),
      ),
    );
    // IAM knows no resources for the latter two, and for the first only the cluster, which a condition names.
    expect(wide).toEqual(["ecs:ListTasks", "ecs:DescribeTaskDefinition", "ecs:DeregisterTaskDefinition"]);
  });
});

describe("each policy", () => {
  it.each([...policies])("%s is one, and allows nothing by a wildcard", (_, { Version, Statement }) => {
    expect(Version).toBe("2012-10-17");
    for (const { Effect, Action, Resource, Principal } of Statement) {
      expect(Effect).toBe("Allow");
      for (const action of list(Action)) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z]+$/);
      // A policy of a role names resources, a trust policy a principal, that of a queue both.
      expect(Resource ?? Principal).toBeDefined();
    }
  });

  it("is named in docs/eks.md or docs/ecs.md", () => {
    const text = ["docs/eks.md", "docs/ecs.md"].map((path) => readFileSync(`${root}${path}`, "utf8")).join("");
    expect(files.filter((name) => !text.includes(name))).toEqual([]);
  });
});

describe("JSON in the documents", () => {
  const blocks = pages().flatMap((page) => page.blocks.filter(({ language }) => language === "json"));
  const contents = [folder, "config/aws"].flatMap((each) =>
    readdirSync(`${root}${each}`).map((name) => readFileSync(`${root}${each}/${name}`, "utf8")),
  );

  it.each(blocks.map((block) => [where(block), block] as const))(
    "%s is JSON, and what AWS reads is one of the files",
    (_, { text }) => {
      const value = JSON.parse(text) as object;
      const readByAws = ["Version", "detail-type", "Rules"].some((key) => key in value);
      expect(!readByAws || contents.includes(text)).toBe(true);
    },
  );

  it("is looked at", () => {
    expect(blocks.map(where).some((each) => each.startsWith("docs/eks.md"))).toBe(true);
  });
});
