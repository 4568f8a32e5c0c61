import { apiVersion, type KindDefinition } from "../../src/api/kind.ts";
import { attemptReasons, readyReasons, runnerRequestReasons, runnerVersionReasons } from "../../src/api/v1alpha1/reasons.ts";
import { objectSchema } from "./crd.ts";
import { type FieldRow, fieldRows, ruleRows } from "./field-rows.ts";
import { generatedFrom } from "./generated-file.ts";
import { table } from "./markdown-table.ts";
import type { JsonSchema } from "./schema.ts";

/** referencePage is docs/reference.md: everything that the schemas know, as tables. */
export function referencePage(kinds: readonly KindDefinition[]): string {
  return [
    `<!-- ${generatedFrom("src/api")} -->`,
    "# Reference",
    `All kinds are of \`${apiVersion}\` and namespaced; \`kubectl get getabako\` lists them all. \`kubectl explain KIND.spec\` shows the same texts.`,
    `Kinds: ${kinds.map(({ kind }) => `[${kind}](#${kind.toLowerCase()})`).join(", ")}.`,
    ...kinds.flatMap(kindSections),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function kindSections(definition: KindDefinition): string[] {
  const { kind, plural, shortNames, description, columns, selectableFields } = definition;
  const schema = objectSchema(definition);
  return [
    `## ${kind}`,
    description,
    `\`kubectl get ${plural}\`, short: ${shortNames.map((name) => `\`${name}\``).join(", ")}.` +
      (selectableFields === undefined
        ? ""
        : ` \`--field-selector\` knows ${selectableFields.map((path) => `\`${path.slice(1)}\``).join(", ")}.`),
    `### ${kind} spec`,
    fieldTable(property(schema, "spec"), "spec"),
    ...rules(schema),
    `### ${kind} status`,
    fieldTable(property(schema, "status"), "status"),
    ...conditions(kind),
    `### ${kind} columns`,
    table(
      ["Column", "Shown", "Holds", "Meaning"],
      columns.map(({ name, priority, jsonPath, description: meaning }) => [
        name.toUpperCase(),
        priority === 0 ? "always" : "`-o wide`",
        `\`${jsonPath}\``,
        meaning,
      ]),
    ),
  ];
}

function property(schema: JsonSchema, name: string): JsonSchema {
  const found = schema.properties?.[name];
  if (found === undefined) throw new Error(`the schema has no ${name}`);
  return found;
}

function fieldTable(schema: JsonSchema, path: string): string {
  const rows = fieldRows(schema, path);
  const cells = ({ path: field, type, presence, limits, description }: FieldRow): string[] => [
    `\`${field}\``,
    type,
    presence,
    limits,
    description,
  ];
  return table(["Field", "Type", "Default", "Limits", "Meaning"], rows.map(cells));
}

function rules(schema: JsonSchema): string[] {
  const rows = ruleRows(schema, "");
  if (rows.length === 0) return [];
  const place = (path: string): string => (path === "" ? "the object" : `\`${path.replace(/^\./, "")}\``);
  return [
    "Rules that concern more than one field, with what the API server answers when they are broken:",
    table(
      ["Where", "Rule"],
      rows.map(({ path, message }) => [place(path), message]),
    ),
  ];
}

function conditions(kind: string): string[] {
  if (kind === "RunnerRequest") {
    return [
      "### RunnerRequest conditions",
      table(
        ["Condition", "Reason", "Meaning"],
        Object.entries(runnerRequestReasons).flatMap(([type, reasons]) => reasonRows(type, reasons)),
      ),
      "### RunnerRequest attempts",
      "Why an attempt ended (`status.attempts[].reason`):",
      table(
        ["Reason", "Meaning"],
        Object.entries(attemptReasons).map(([reason, meaning]) => [reason, meaning]),
      ),
    ];
  }
  const reasons: Readonly<Record<string, string>> | undefined = (
    readyReasons as Readonly<Record<string, Readonly<Record<string, string>>>>
  )[kind];
  return reasons === undefined
    ? []
    : [
        `### ${kind} conditions`,
        table(
          ["Condition", "Reason", "Meaning"],
          [
            ...reasonRows("Ready", reasons),
            ...(kind === "RunnerTarget" ? reasonRows("RunnerVersion", runnerVersionReasons) : []),
          ],
        ),
      ];
}

function reasonRows(type: string, reasons: Readonly<Record<string, string>>): string[][] {
  return Object.entries(reasons).map(([reason, meaning]) => [type, reason, meaning]);
}
