import { describe, expect, it } from "vitest";
import { kinds } from "../../src/api/v1alpha1/kinds.ts";
import { testCluster } from "../support/test-cluster.ts";

/* `kubectl explain` is the manual that is always at hand: every field of every kind has a sentence in it. */

const cluster = testCluster();

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

/** Every field below a schema, with what the API server has to say of it. */
function fieldsOf({ properties, items, additionalProperties }: Schema, path: string): { path: string; description: string }[] {
  const own = Object.entries(properties ?? {}).flatMap(([name, schema]) => [
    { path: `${path}.${name}`, description: schema.description ?? "" },
    ...fieldsOf(schema, `${path}.${name}`),
  ]);
  // The elements of a list or map are described with it.
  return [...own, ...(items === undefined ? [] : fieldsOf(items, path)), ...below(additionalProperties, path)];
}

function below(schema: Schema | undefined, path: string): { path: string; description: string }[] {
  return schema === undefined ? [] : fieldsOf(schema, path);
}

/** What Kubernetes itself describes. */
const common = /^[a-z]+\.(apiVersion|kind|metadata)$/;

describe.each(kinds.map(({ plural, singular }) => ({ plural, singular })))("$plural", ({ plural, singular }) => {
  it("have a description of every field in the API server", async () => {
    const crd = JSON.parse(await cluster.kubectl(["get", "crd", `${plural}.getabako.dev`, "-o", "json"])) as {
      spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
    };
    const [version] = crd.spec.versions;
    const fields = fieldsOf(version?.schema.openAPIV3Schema ?? {}, singular).filter(({ path }) => !common.test(path));
    expect(fields.length).toBeGreaterThan(15);
    expect(fields.filter(({ description }) => description.trim().length < 5).map(({ path }) => path)).toEqual([]);
  });

  it("are explained by kubectl, with spec and status", async () => {
    for (const path of [singular, `${singular}.spec`, `${singular}.status`]) {
      const printed = await cluster.kubectl(["explain", path]);
      expect(printed).toMatch(/DESCRIPTION:\n {4}\S/);
      expect(printed).not.toContain("<no description>");
    }
  });
});
