import { z } from "zod";

/** JsonSchema is the part of JSON Schema that a CRD's structural schema uses. */
export interface JsonSchema {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  enum?: readonly unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: readonly string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema;
  "x-kubernetes-validations"?: readonly CelRule[];
  "x-kubernetes-list-type"?: "atomic" | "map" | "set";
  "x-kubernetes-list-map-keys"?: readonly string[];
}

export interface CelRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
  readonly reason?: string;
}

/** keywordOrder is the order in which keywords are printed: what people look for first, deep content last. */
const keywordOrder = [
  "description",
  "type",
  "format",
  "enum",
  "default",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "maxProperties",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations",
  "required",
  "properties",
  "items",
  "additionalProperties",
] as const satisfies readonly (keyof JsonSchema)[];

const scalarKeywords: ReadonlySet<string> = new Set(
  keywordOrder.filter((keyword) => keyword !== "properties" && keyword !== "items" && keyword !== "additionalProperties"),
);

/**
 * structuralSchema turns a zod schema into the OpenAPI v3 subset that the API server admits in a CRD.
 * @throws Error with the path of the first construct that has no structural form (a union, a tuple, an unnamed field).
 */
export function structuralSchema(schema: z.ZodType, root: string): JsonSchema {
  return convert(z.toJSONSchema(schema, { io: "input", target: "openapi-3.0" }) as Record<string, unknown>, root);
}

function convert(source: Record<string, unknown>, path: string): JsonSchema {
  const out: Record<string, unknown> = {};
  for (const keyword of Object.keys(source)) {
    if (!known(keyword)) throw new Error(`${path}: "${keyword}" has no place in a structural schema`);
  }
  if (typeof source["type"] !== "string") throw new Error(`${path}: a structural schema needs exactly one type`);
  for (const keyword of keywordOrder) {
    const value = source[keyword];
    if (value === undefined || isNoise(source, keyword)) continue;
    if (scalarKeywords.has(keyword)) out[keyword] = keyword === "pattern" ? plainPattern(value as string) : value;
    else if (keyword === "properties") out[keyword] = convertProperties(value as Record<string, Record<string, unknown>>, path);
    else out[keyword] = convert(value as Record<string, unknown>, `${path}[]`);
  }
  // zod numbers are doubles, the API server's integers are not: say which ones are meant.
  if (source["type"] === "integer") out["format"] ??= "int64";
  return Object.fromEntries(keywordOrder.flatMap((keyword) => (out[keyword] === undefined ? [] : [[keyword, out[keyword]]])));
}

function convertProperties(properties: Record<string, Record<string, unknown>>, path: string): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      if (!property["description"])
        throw new Error(`${path}.${name}: every field needs a description (kubectl explain shows it)`);
      return [name, convert(property, `${path}.${name}`)];
    }),
  );
}

function known(keyword: string): boolean {
  return keyword === "propertyNames" || (keywordOrder as readonly string[]).includes(keyword);
}

/** isNoise finds what zod adds for JavaScript's sake: the bounds of safe integers and the long pattern of dates. */
function isNoise(source: Record<string, unknown>, keyword: keyof JsonSchema): boolean {
  if (keyword === "maximum") return source["maximum"] === Number.MAX_SAFE_INTEGER;
  if (keyword === "minimum") return source["minimum"] === Number.MIN_SAFE_INTEGER;
  return keyword === "pattern" && source["format"] === "date-time";
}

/** plainPattern drops the escapes that only a JavaScript regex literal needs. */
function plainPattern(pattern: string): string {
  return pattern.replaceAll("\\/", "/");
}
