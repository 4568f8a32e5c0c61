import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { group } from "../../src/api/kind.ts";
import { render } from "../chart/helm.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Block, pages, root, where } from "./markdown.ts";

/*
 * Every YAML in the documents is judged by whoever reads it: objects by the real API server with our CRDs, values by the chart's schema.
 * A piece of an object is put into the least object of its kind that there is.
 */
type Value = Readonly<Record<string, unknown>>;

interface Crd {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly [
      {
        readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly spec: { readonly properties: Value } } } };
      },
    ];
  };
}

const apiVersion = `${group}/v1alpha1`;
const cluster = testCluster();

/** The least spec of each kind that people write. */
const least: Readonly<Record<string, Value>> = {
  GitHubApp: {
    appId: 1,
    privateKeySecretRef: { name: "github-app", key: "private-key.pem" },
    webhookSecretRefs: [{ name: "github-app", key: "webhook-secret" }],
  },
  ECSRunnerClass: {
    region: "ap-northeast-1",
    cluster: "runners",
    capacity: [
      { name: "spot", providers: [{ name: "FARGATE_SPOT" }] },
      { name: "on-demand", providers: [{ name: "FARGATE" }] },
    ],
    network: { subnets: ["subnet-a"], securityGroups: ["sg-1"] },
    image: "ghcr.io/actions/actions-runner:2.336.0",
    resources: { cpu: 1, memory: "2Gi" },
  },
  RunnerTarget: {
    githubAppRef: { name: "acme" },
    scope: { organization: "acme" },
    labels: ["self-hosted"],
    classRef: { name: "fargate" },
    maxRunners: 1,
  },
};

const specKeys = new Map(
  readdirSync(`${root}crds`).map((file) => {
    const { spec } = parse(readFileSync(`${root}crds/${file}`, "utf8")) as Crd;
    return [spec.names.kind, Object.keys(spec.versions[0].schema.openAPIV3Schema.properties.spec.properties)] as const;
  }),
);
const chartValues = Object.keys(parse(readFileSync(`${root}charts/getabako/values.yaml`, "utf8")) as Value);

/** Objects of these groups are for other programs' API servers; test/chart/documents.test.ts renders the values in them. */
const foreign = ["argoproj.io", "source.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"];

/** Pieces that none of the readers here knows, each with the reason. */
const unjudged: readonly (readonly [page: string, key: string, because: string])[] = [
  ["docs/gitops.md", "data", "a piece of Argo CD's ConfigMap: a script in Lua"],
];

const within = (keys: readonly string[], all: readonly string[]): boolean =>
  keys.length > 0 && keys.every((key) => all.includes(key));

/** The object that the API server is asked about, or undefined where somebody else reads the YAML. */
function objectOf(value: Value): Value | undefined {
  if (typeof value["apiVersion"] === "string")
    return foreign.includes(value["apiVersion"].split("/")[0] ?? "") ? undefined : value;
  const { kind, spec } = value as { readonly kind?: string; readonly spec?: Value };
  const keys = Object.keys(spec ?? value);
  const found = kind ?? Object.keys(least).find((each) => within(keys, specKeys.get(each) ?? []));
  const base = found === undefined ? undefined : least[found];
  return base === undefined
    ? undefined
    : { apiVersion, kind: found, metadata: { name: "example" }, spec: { ...base, ...(spec ?? value) } };
}

async function problemOf(value: Value, { page }: Block, namespace: string): Promise<string | undefined> {
  const keys = Object.keys(value);
  if ("jobs" in value) return workflowProblem(value);
  if (within(keys, chartValues) && !("spec" in value)) {
    await render({ values: value });
    return undefined;
  }
  const object = objectOf(value);
  if (object !== undefined) {
    const metadata = { ...(object["metadata"] as Value), namespace };
    const args = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
    const { code, stderr } = await cluster.tryKubectl(args, JSON.stringify({ ...object, metadata }));
    return code === 0 ? undefined : stderr.trim();
  }
  const known =
    typeof value["apiVersion"] === "string" || unjudged.some(([where_, key]) => where_ === page && keys.join() === key);
  return known ? undefined : `nobody here reads ${keys.join(", ")}`;
}

/** GitHub's workflows: only what concerns runners is looked at. */
function workflowProblem({ jobs }: Value): string | undefined {
  const wrong = Object.entries(jobs as Record<string, { readonly "runs-on"?: string | readonly string[] }>).filter(
    ([, job]) => [job["runs-on"] ?? []].flat().length === 0,
  );
  return wrong.length === 0 ? undefined : `no runs-on in ${wrong.map(([name]) => name).join(", ")}`;
}

const blocks = pages().flatMap((page) => page.blocks.filter(({ language }) => ["yaml", "yml"].includes(language)));

describe("YAML in the documents", () => {
  let namespace: string;
  beforeAll(async () => {
    namespace = await cluster.namespace("documents");
  });

  it.each(blocks.map((block) => [where(block), block] as const))("%s is admitted by who reads it", async (_, block) => {
    for (const document of parseAllDocuments(block.text)) {
      expect(document.errors).toEqual([]);
      expect(await problemOf(document.toJS() as Value, block, namespace)).toBeUndefined();
    }
  });

  it("is noticed when it is wrong", async () => {
    const block = { page: "docs/x.md", line: 1, language: "yaml", text: "" };
    const problem = (value: Value): Promise<string | undefined> => problemOf(value, block, namespace);
    expect(await problem({ spec: { events: { queueUrl: "no-url" } } })).toMatch(/queueUrl/);
    expect(await problem({ kind: "RunnerTarget", spec: { maxRunner: 1 } })).toMatch(/unknown field "spec.maxRunner"/);
    expect(await problem({ capacities: [] })).toBe("nobody here reads capacities");
    expect(await problem({ jobs: { build: { steps: [] } } })).toBe("no runs-on in build");
    await expect(problem({ ingress: { enable: true } })).rejects.toThrow(/enable/);
  });

  it("leaves nothing unjudged that is gone", () => {
    const found = unjudged.filter(([page, key]) =>
      blocks.some((block) => block.page === page && block.text.startsWith(`${key}:`)),
    );
    expect(found).toEqual(unjudged);
  });
});
