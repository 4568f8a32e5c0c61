import { describe, expect, it } from "vitest";
import { loadDescription, openApi } from "./openapi.ts";
import { usedOperations } from "./openapi-paths.ts";

function* nodes(node: unknown, path = ""): Generator<[string, Record<string, unknown>]> {
  if (typeof node !== "object" || node === null) return;
  if (!Array.isArray(node)) yield [path, node as Record<string, unknown>];
  for (const [key, value] of Object.entries(node)) yield* nodes(value, `${path}/${key}`);
}

describe("the pruned description", () => {
  it("has every operation that is served and nothing else", () => {
    const paths = loadDescription()["paths"] as Record<string, object>;
    expect(Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, Object.keys(item)]))).toEqual(usedOperations);
  });

  it("is small", () => {
    expect(JSON.stringify(loadDescription()).length).toBeLessThan(200_000);
  });

  it("lets no unknown field into a body", () => {
    const bodies = [...nodes(loadDescription()["paths"])].filter(([path]) =>
      path.endsWith("/requestBody/content/application~1json/schema"),
    );
    for (const [, schema] of bodies) expect(schema["additionalProperties"]).toBe(false);
    const closed = [...nodes(loadDescription()["paths"])].filter(([, node]) => node["additionalProperties"] === false);
    expect(closed.length).toBeGreaterThanOrEqual(5);
  });

  it("says 'or null' only in ways that ajv understands", () => {
    const wrong = [...nodes(loadDescription())].filter(
      ([path, node]) =>
        node["nullable"] === true &&
        !path.endsWith("/properties") &&
        (node["type"] === undefined || (Array.isArray(node["enum"]) && !node["enum"].includes(null))),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  it("compiles whole: every answer of every operation can be checked", async () => {
    const api = await openApi();
    for (const operation of api.getOperations()) {
      for (const status of Object.keys(operation.responses ?? {})) {
        expect(() => api.validateResponse({}, operation, Number(status)), `${operation.operationId} ${status}`).not.toThrow();
      }
    }
  }, 60_000);
});
