import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chart, renderText } from "./helm.ts";
import { documentedValues, valuesTable } from "./values-table.ts";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly $ref?: string;
}

const values = documentedValues(await readFile(join(chart, "values.yaml"), "utf8"));
const schema = JSON.parse(await readFile(join(chart, "values.schema.json"), "utf8")) as Schema;

/** Either major's wording: Helm 4 says "/replicas", Helm 3 "replicas". */
const wrong: readonly (readonly [what: string, values: object, says: RegExp])[] = [
  ["an unknown value", { replicsa: 3 }, /additional propert.*replicsa/i],
  ["an unknown value further down", { image: { tga: "1" } }, /image.*additional propert.*tga/i],
  ["a number in words", { replicas: "two" }, /replicas.*(want|expected:) integer/i],
  ["a negative number of pods", { replicas: -1 }, /replicas.*(minimum|greater than or equal to 0)/i],
  ["a repository with a tag", { image: { repository: "r.example.com/getabako:1" } }, /image.repository.*pattern/i],
  ["a digest without its algorithm", { image: { digest: "a".repeat(64) } }, /image.digest.*pattern/i],
  ["a policy that Kubernetes does not have", { image: { pullPolicy: "Sometimes" } }, /image.pullPolicy.*(IfNotPresent)/i],
  ["a log level that there is not", { logLevel: "verbose" }, /logLevel.*trace.*debug.*info/i],
  ["more workers than the program takes", { workers: 501 }, /workers.*500/i],
  ["namespaces as one string", { secrets: { namespaces: "ci" } }, /secrets.namespaces.*(want|expected:) array/i],
  ["a namespace that cannot exist", { watchNamespace: "Team A" }, /watchNamespace.*pattern/i],
  ["a Secret that cannot exist", { secrets: { names: ["GitHub_App"] } }, /secrets.names.0.*pattern/i],
  [
    "an annotation that is no string",
    { serviceAccount: { annotations: { a: 1 } } },
    /serviceAccount.annotations.a.*(want|expected:) string/i,
  ],
  ["an Ingress without a host", { ingress: { enabled: true } }, /ingress.host.*(minLength|length)/i],
  ["a URL for a host", { ingress: { host: "https://getabako.example.com" } }, /ingress.host.*pattern/i],
  ["a port beyond the last", { service: { port: 70_000 } }, /service.port.*65,?535/i],
  ["an environment variable without a name", { extraEnv: [{ value: "a" }] }, /extraEnv.0.*name/i],
  ["environment variables as a map", { extraEnv: { A: "a" } }, /extraEnv.*(want|expected:) array/i],
  ["a share without a percent sign", { podDisruptionBudget: { maxUnavailable: "half" } }, /podDisruptionBudget.maxUnavailable/i],
  [
    "a probe setting that the chart does not pass on",
    { probes: { liveness: { initialDelaySeconds: 3 } } },
    /initialDelaySeconds/,
  ],
];

describe("values", () => {
  it.each(wrong)("refuse %s and say where", async (_, given, says) => {
    await expect(renderText({ values: given })).rejects.toThrow(says);
  });

  it("are all documented in the README, as the comments in values.yaml have it", async () => {
    const table = valuesTable(values);
    const readme = await readFile(join(chart, "README.md"), "utf8");
    // To bring it up to date, put what is expected here in place of the table.
    expect(readme.slice(readme.indexOf("| value | default |")).trim()).toBe(table);
  });

  it("all have a place in the schema, which knows no others", () => {
    const known = leaves(schema).filter((path) => path !== "global");
    const documented = values.map(({ path }) => path);
    const below = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}.`);
    expect(documented.filter((path) => !known.some((leaf) => below(leaf, path)))).toEqual([]);
    expect(known.filter((leaf) => !documented.some((path) => below(leaf, path)))).toEqual([]);
  });

  it("of a parent chart are let through", async () => {
    await expect(renderText({ values: { global: { region: "eu" } } })).resolves.toContain("kind: Deployment");
  });
});

/** Paths of the schema below which it names no more properties; all above them must be closed. */
function leaves({ properties, additionalProperties }: Schema, path = ""): string[] {
  if (properties === undefined) return [path];
  expect(additionalProperties, `${path} lets unknown values through`).toBe(false);
  return Object.entries(properties).flatMap(([key, child]) => leaves(child, path === "" ? key : `${path}.${key}`));
}
