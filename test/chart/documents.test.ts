import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { render } from "./helm.ts";

const root = new URL("../../", import.meta.url);

interface Example {
  readonly kind?: string;
  readonly spec?: { readonly source?: { readonly helm?: { readonly valuesObject?: object } }; readonly values?: object };
}

async function examples(page: string): Promise<readonly Example[]> {
  const text = await readFile(new URL(page, root), "utf8");
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].flatMap(([, yaml]) =>
    parseAllDocuments(yaml ?? "").map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as Example;
    }),
  );
}

describe("the examples", () => {
  it.each(["Application", "HelmRelease"])("of a %s have values that the chart takes", async (kind) => {
    const example = (await examples("docs/gitops.md")).find((each) => each.kind === kind);
    const values = example?.spec?.source?.helm?.valuesObject ?? example?.spec?.values;
    expect(values).toBeDefined();
    const objects = await render({ values: values as object });
    expect(objects.some(({ kind: made }) => made === "Ingress")).toBe(true);
    // Argo CD never manages one.
    expect(objects.some(({ kind: made }) => made === "Lease")).toBe(kind !== "Application");
  });

  it("of the chart's README have values that the chart takes", async () => {
    const [monitoring] = await examples("charts/getabako/README.md");
    const kinds = (await render({ values: monitoring as object })).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(["ServiceMonitor", "PrometheusRule", "ConfigMap"]));
  });
});
