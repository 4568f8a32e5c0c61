import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chart, renderText } from "./helm.ts";
import { type Effect, effects, nested } from "./values-effects.ts";
import { documentedValues, valuesTable } from "./values-table.ts";

interface Schema {
  readonly type?: unknown;
  readonly description?: string;
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
  ["a mode that there is not", { mode: "both" }, /mode.*combined.*split/i],
  ["a namespace that cannot be watched", { watchNamespaces: ["team-a", "*"] }, /watchNamespaces.1.*pattern/i],
  ["roles for people by another word", { rbac: { userRoles: true } }, /userRoles.*Auto.*Always.*Never/i],
  ["an HTTPRoute of no Gateway", { httpRoute: { enabled: true } }, /httpRoute.parentRefs.*(minItems|at least 1)/i],
  ["a proxy without a scheme", { proxy: { httpsProxy: "proxy:3128" } }, /proxy.httpsProxy.*pattern/i],
  [
    "an alert that there is not",
    { metrics: { prometheusRule: { alerts: { GetabakoSad: { enabled: true } } } } },
    /alerts.*additional propert.*GetabakoSad/i,
  ],
  [
    "a threshold in words",
    { metrics: { prometheusRule: { alerts: { GetabakoJobsWaiting: { threshold: "15m" } } } } },
    /GetabakoJobsWaiting.threshold.*(want|expected:) number/i,
  ],
  ["a time that Prometheus does not read", { metrics: { podMonitor: { interval: "half a minute" } } }, /interval.*pattern/i],
  ["a range of ports", { networkPolicy: { egress: { ports: ["443-450"] } } }, /egress.ports.0.*(want|expected:) integer/i],
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

  it("are explained in the schema, in the same words", () => {
    const at = (path: string): Schema | undefined =>
      path.split(".").reduce<Schema | undefined>((node, key) => node?.properties?.[key], schema);
    expect(values.map(({ path }) => [path, at(path)?.description])).toEqual(values.map(({ path, meaning }) => [path, meaning]));
  });

  it("all have an effect that a test knows", () => {
    expect(effects.map(({ path }) => path).toSorted()).toEqual(values.map(({ path }) => path).toSorted());
  });

  it.each(groups())("have an effect: $name", async ({ members }) => {
    const beside = members[0]?.beside ?? {};
    const set = Object.fromEntries(members.map(({ path, value }) => [path, value]));
    const usual = await usualText(nested(beside));
    const changed = await renderText({ values: nested({ ...beside, ...set }) });
    const seen = members.map(({ path, gains = "", loses = "" }) => ({
      path,
      gains: [usual.includes(gains), changed.includes(gains)],
      loses: [usual.includes(loses), changed.includes(loses)],
    }));
    // Nothing is part of every text: the empty one stands for what a row does not speak of.
    const wanted = members.map(({ path, gains, loses }) => ({
      path,
      gains: gains === undefined ? [true, true] : [false, true],
      loses: loses === undefined ? [true, true] : [true, false],
    }));
    expect(seen).toEqual(wanted);
    expect(new Set(members.map(({ gains, loses }) => gains ?? loses)).size).toBe(members.length);
  });

  it("that split the work need two accounts", async () => {
    const values = { mode: "split", serviceAccount: { create: false }, intake: { serviceAccount: { create: false } } };
    await expect(renderText({ values })).rejects.toThrow(/mode split needs two ServiceAccounts/);
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

interface Group {
  readonly name: string;
  readonly members: readonly Effect[];
}

/** Effects that do not disturb each other are looked at together: a run of helm takes half a second. */
function groups(): Group[] {
  const grouped = new Map<string, Effect[]>();
  for (const effect of effects) {
    const single = effect.alone === true || effect.loses !== undefined || effect.path in (effect.beside ?? {});
    const key = single ? effect.path : `together with ${JSON.stringify(effect.beside ?? {})}`;
    grouped.set(key, [...(grouped.get(key) ?? []), effect]);
  }
  return [...grouped].map(([name, members]) => ({ name, members }));
}

const usualTexts = new Map<string, Promise<string>>();

/** What is rendered without the value in question; nothing where that alone would be refused. Many have it in common. */
function usualText(given: object): Promise<string> {
  const key = JSON.stringify(given);
  const text = usualTexts.get(key) ?? renderText({ values: given }).catch(() => "");
  usualTexts.set(key, text);
  return text;
}
