import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { cel, type KindDefinition, listMap } from "../../src/api/kind.ts";
import { customResourceDefinition } from "./crd.ts";
import { crdFiles } from "./crd-files.ts";
import { fieldRows, ruleRows } from "./field-rows.ts";
import { structuralSchema } from "./schema.ts";

const shoe = z
  .object({
    size: z.int().min(20).max(50).describe("European size."),
    colour: z.enum(["Black", "no"]).default("Black").describe("Colour."),
    laces: z
      .array(z.object({ hole: z.int().describe("Number of the hole.") }))
      .max(12)
      .meta(listMap("hole"))
      .exactOptional()
      .describe("Laces."),
    path: z
      .string()
      .regex(/^a\/b$/)
      .exactOptional()
      .describe("Path, such as {{x}}."),
    worn: z.iso.datetime().exactOptional().describe("When."),
    tags: z.record(z.string(), z.string().max(9)).meta({ maxProperties: 3 }).exactOptional().describe("Tags."),
  })
  .meta(cel({ rule: "self.size != 40", message: "size 40 is sold out" }))
  .describe("A shoe.");

const kind: KindDefinition = {
  kind: "Shoe",
  plural: "shoes",
  singular: "shoe",
  shortNames: ["sh"],
  description: "Shoe is one shoe.",
  spec: shoe,
  status: z.object({ slot: z.int().exactOptional().describe("Where it stands.") }).describe("Where it is."),
  validations: [{ rule: "self.metadata.name.size() < 9", message: "short names only" }],
  columns: [
    { name: "Size", type: "integer", jsonPath: ".spec.size", description: "Size.", priority: 0 },
    { name: "Slot", type: "integer", jsonPath: ".status.slot", description: "Slot.", priority: 1 },
  ],
  selectableFields: [".spec.colour"],
};

describe("structuralSchema", () => {
  it("keeps what the API server understands and drops what zod adds for JavaScript", () => {
    expect(structuralSchema(shoe, "Shoe.spec")).toEqual({
      description: "A shoe.",
      type: "object",
      "x-kubernetes-validations": [{ rule: "self.size != 40", message: "size 40 is sold out" }],
      required: ["size"],
      properties: {
        size: { description: "European size.", type: "integer", format: "int64", minimum: 20, maximum: 50 },
        colour: { description: "Colour.", type: "string", enum: ["Black", "no"], default: "Black" },
        laces: {
          description: "Laces.",
          type: "array",
          maxItems: 12,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["hole"],
          items: {
            type: "object",
            required: ["hole"],
            properties: { hole: { description: "Number of the hole.", type: "integer", format: "int64" } },
          },
        },
        path: { description: "Path, such as {{x}}.", type: "string", pattern: "^a/b$" },
        worn: { description: "When.", type: "string", format: "date-time" },
        tags: { description: "Tags.", type: "object", maxProperties: 3, additionalProperties: { type: "string", maxLength: 9 } },
      },
    });
  });

  it("refuses what has no structural form, and says where", () => {
    const union = z.object({ a: z.union([z.string(), z.int()]).describe("Either.") });
    expect(() => structuralSchema(union, "X.spec")).toThrow('X.spec.a: "anyOf" has no place in a structural schema');
  });

  it("refuses a field that kubectl explain could say nothing of", () => {
    const bare = z.object({ list: z.array(z.object({ a: z.string() })).describe("List.") });
    expect(() => structuralSchema(bare, "X.spec")).toThrow("X.spec.list[].a: every field needs a description");
  });
});

describe("customResourceDefinition", () => {
  it("has names, columns, selectable fields and a status of its own", () => {
    expect(customResourceDefinition(kind)).toMatchObject({
      metadata: { name: "shoes.getabako.dev" },
      spec: {
        scope: "Namespaced",
        names: { kind: "Shoe", listKind: "ShoeList", plural: "shoes", shortNames: ["sh"], categories: ["getabako"] },
        versions: [
          {
            name: "v1alpha1",
            served: true,
            storage: true,
            subresources: { status: {} },
            additionalPrinterColumns: [
              { name: "Size", type: "integer", jsonPath: ".spec.size", description: "Size." },
              { name: "Slot", priority: 1 },
            ],
            selectableFields: [{ jsonPath: ".spec.colour" }],
            schema: {
              openAPIV3Schema: {
                required: ["spec"],
                "x-kubernetes-validations": [{ rule: "self.metadata.name.size() < 9", message: "short names only" }],
                properties: { metadata: { type: "object" }, status: { description: "Where it is." } },
              },
            },
          },
        ],
      },
    });
  });
});

describe("crdFiles", () => {
  const [plain, template] = crdFiles([kind]).map(({ path, content }) => ({ path, content }));

  it("print the CRD for kubectl, readable by a parser of YAML 1.1", () => {
    expect(plain?.path).toBe("crds/shoes.yaml");
    expect(plain?.content).toMatch(/^# Generated from src\/api by `npm run generate`; do not edit\.\n/);
    expect(parse(plain?.content ?? "", { version: "1.1" })).toEqual(customResourceDefinition(kind));
  });

  it("print the same for Helm, guarded, kept at uninstall and with Helm's own brackets escaped", () => {
    expect(template?.path).toBe("charts/getabako/templates/crds/shoes.yaml");
    const lines = template?.content.split("\n") ?? [];
    expect(lines[0]).toContain("do not edit");
    expect(lines[1]).toBe("{{- if .Values.crds.install }}");
    expect(lines.at(-2)).toBe("{{- end }}");
    expect(template?.content).toContain('Path, such as {{ "{{" }}x}}.');
    // What Helm would print, with the escape undone.
    const rendered = lines.slice(2, -2).join("\n").replaceAll('{{ "{{" }}', "{{");
    const crd = customResourceDefinition(kind);
    expect(parse(rendered, { version: "1.1" })).toEqual({
      ...crd,
      metadata: { name: "shoes.getabako.dev", annotations: { "helm.sh/resource-policy": "keep" } },
    });
  });
});

describe("the reference page", () => {
  const schema = structuralSchema(shoe, "Shoe.spec");

  it("has a row for every field, nested ones after their parent", () => {
    expect(fieldRows(schema, "spec")).toEqual([
      { path: "spec.size", type: "integer", presence: "required", limits: "20 to 50", description: "European size." },
      { path: "spec.colour", type: "string", presence: '`"Black"`', limits: "`Black`, `no`", description: "Colour." },
      {
        path: "spec.laces",
        type: "list of objects",
        presence: "",
        limits: "at most 12 items; unique by hole",
        description: "Laces.",
      },
      { path: "spec.laces[].hole", type: "integer", presence: "required", limits: "", description: "Number of the hole." },
      { path: "spec.path", type: "string", presence: "", limits: "`^a/b$`", description: "Path, such as {{x}}." },
      { path: "spec.worn", type: "time", presence: "", limits: "", description: "When." },
      {
        path: "spec.tags",
        type: "map of strings",
        presence: "",
        limits: "at most 3 entries; at most 9 characters",
        description: "Tags.",
      },
    ]);
  });

  it("has a row for every rule", () => {
    expect(ruleRows(schema, "spec")).toEqual([{ path: "spec", message: "size 40 is sold out" }]);
  });
});
