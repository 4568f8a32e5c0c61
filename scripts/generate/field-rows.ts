import type { CelRule, JsonSchema } from "./schema.ts";

/** FieldRow is one field as the reference page shows it. */
export interface FieldRow {
  readonly path: string;
  readonly type: string;
  readonly presence: string;
  readonly limits: string;
  readonly description: string;
}

/** RuleRow is one CEL rule: where it holds, and what the API server answers when it does not. */
export interface RuleRow {
  readonly path: string;
  readonly message: string;
}

/** fieldRows lists every field below a schema, parents before children. */
export function fieldRows(schema: JsonSchema, path: string): FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = `${path}.${name}`;
    const row = {
      path: at,
      type: typeName(field),
      presence: presence(field, schema.required?.includes(name) === true),
      limits: limits(field),
      description: field.description ?? "",
    };
    return [row, ...fieldRows(field, at), ...nested(field).flatMap(([suffix, child]) => fieldRows(child, `${at}${suffix}`))];
  });
}

/** ruleRows lists the CEL rules of a schema and of everything below it. */
export function ruleRows(schema: JsonSchema, path: string): RuleRow[] {
  return [
    ...(schema["x-kubernetes-validations"] ?? []).map((rule) => ({
      path: `${path}${rule.fieldPath ?? ""}`,
      message: messageOf(rule),
    })),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
      ruleRows(field, path === "" ? name : `${path}.${name}`),
    ),
    ...nested(schema).flatMap(([suffix, child]) => ruleRows(child, `${path}${suffix}`)),
  ];
}

function messageOf({ rule, message }: CelRule): string {
  if (message === undefined) throw new Error(`the CEL rule "${rule}" needs a message`);
  return message;
}

function nested(schema: JsonSchema): [string, JsonSchema][] {
  if (schema.items !== undefined) return [["[]", schema.items]];
  return schema.additionalProperties === undefined ? [] : [[".*", schema.additionalProperties]];
}

function typeName(schema: JsonSchema): string {
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}s`;
  if (schema.additionalProperties !== undefined) return `map of ${typeName(schema.additionalProperties)}s`;
  return schema.format === "date-time" ? "time" : (schema.type ?? "");
}

function presence(schema: JsonSchema, required: boolean): string {
  if (required) return "required";
  return schema.default === undefined ? "" : `\`${JSON.stringify(schema.default)}\``;
}

function limits(schema: JsonSchema): string {
  const element = schema.items?.properties === undefined ? schema.items : undefined;
  return [
    ...valueLimits(schema),
    range(schema.minItems, schema.maxItems, "items"),
    schema.maxProperties === undefined ? "" : `at most ${schema.maxProperties} entries`,
    keys(schema),
    ...(element === undefined ? [] : valueLimits(element).map((limit) => (limit === "" ? "" : `each: ${limit}`))),
    ...(schema.additionalProperties === undefined ? [] : valueLimits(schema.additionalProperties)),
  ]
    .filter((limit) => limit !== "")
    .join("; ");
}

function valueLimits(schema: JsonSchema): string[] {
  return [
    schema.enum === undefined ? "" : schema.enum.map((value) => `\`${String(value)}\``).join(", "),
    range(schema.minimum, schema.maximum, ""),
    range(schema.minLength, schema.maxLength, "characters"),
    schema.pattern === undefined ? "" : `\`${schema.pattern}\``,
  ];
}

function keys(schema: JsonSchema): string {
  const names = schema["x-kubernetes-list-map-keys"];
  if (names !== undefined) return `unique by ${names.join(", ")}`;
  return schema["x-kubernetes-list-type"] === "set" ? "unique" : "";
}

function range(from: number | undefined, to: number | undefined, unit: string): string {
  const text =
    from === undefined ? (to === undefined ? "" : `at most ${to}`) : to === undefined ? `at least ${from}` : `${from} to ${to}`;
  return text === "" || unit === "" ? text : `${text} ${unit}`;
}
