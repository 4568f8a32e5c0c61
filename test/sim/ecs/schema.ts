import * as ecs from "@aws-sdk/client-ecs";

// The SDK's runtime schemas, as laid out in 3.1164.0 (schema.test.ts guards this; the layout is internal to the SDK):
//   structure [3, namespace, name, traits, memberNames, memberSchemas, requiredCount], required members first; errors have -3
//   and unions 4 (exactly one member set)
//   list [1, namespace, name, traits, element], map [2, namespace, name, traits, key, value], simple [0, namespace, name, traits, type]
//   operation [9, namespace, name, traits, input, output]
//   a member is a schema, a function that returns one, or [schema, traits]
//   simple types: 0 string, 1 number, 2 boolean, 4 timestamp, 15 any JSON, 21 blob; 64 + x is a list of x, 128 + x a map to x
type Schema = readonly unknown[];

const structureCode = 3;
const errorCode = -3;
const unionCode = 4;
const operationCode = 9;

const exported: Readonly<Record<string, unknown>> = ecs;

/** schemaNames are the names of all shapes whose schema the SDK exports. */
export const schemaNames: readonly string[] = Object.keys(exported)
  .filter((name) => name.endsWith("$"))
  .map((name) => name.slice(0, -1));

/** shapeSchema gives the SDK's schema of a shape, or undefined. */
export function shapeSchema(name: string): unknown {
  return exported[`${name}$`];
}

/** operationSchemas gives the input and output schema of an operation of the service, or undefined if there is none of that name. */
export function operationSchemas(name: string): { readonly input: unknown; readonly output: unknown } | undefined {
  const schema = shapeSchema(name);
  return Array.isArray(schema) && schema[0] === operationCode ? { input: schema[4], output: schema[5] } : undefined;
}

/** errorSchema gives the schema of an exception that the service models, or undefined. */
export function errorSchema(name: string): unknown {
  const schema = shapeSchema(name);
  return Array.isArray(schema) && schema[0] === errorCode ? schema : undefined;
}

/** schemaProblems lists what is missing, unknown or mistyped in a wire value (times are numbers), each with its path. */
export function schemaProblems(schema: unknown, value: unknown, path = ""): string[] {
  const resolved = resolve(schema);
  if (typeof resolved === "number") {
    return simpleProblems(resolved, value, path);
  }
  switch (resolved[0]) {
    case 0:
      return schemaProblems(resolved[4], value, path);
    case 1:
      return listProblems(resolved[4], value, path);
    case 2:
      return mapProblems(resolved[5], value, path);
    case structureCode:
    case errorCode:
      return structureProblems(resolved, value, path);
    case unionCode:
      return unionProblems(resolved, value, path);
    default:
      throw new Error(
        `unknown schema layout at ${path || "the root"}: ${String(resolved[0])}; the SDK has changed, see schema.ts`,
      );
  }
}

function resolve(schema: unknown): number | Schema {
  if (typeof schema === "function") {
    return resolve((schema as () => unknown)());
  }
  if (typeof schema === "number") {
    return schema;
  }
  if (!Array.isArray(schema)) {
    throw new Error(`unknown schema layout: ${typeof schema}; the SDK has changed, see schema.ts`);
  }
  // A schema names its namespace second; a member with traits is a pair without one.
  return typeof schema[1] === "string" ? schema : resolve(schema[0]);
}

function structureProblems(schema: Schema, value: unknown, path: string): string[] {
  if (!isObject(value)) {
    return [wrong(path, "an object", value)];
  }
  const names = schema[4] as readonly string[];
  const members = schema[5] as readonly unknown[];
  const required = (schema[6] as number | undefined) ?? 0;
  const problems = names.slice(0, required).flatMap((name) => (value[name] == null ? [`${join(path, name)}: missing`] : []));
  for (const [name, member] of Object.entries(value)) {
    const index = names.indexOf(name);
    if (index < 0) {
      problems.push(`${join(path, name)}: unknown member of ${String(schema[2])}`);
    } else if (member != null) {
      problems.push(...schemaProblems(members[index], member, join(path, name)));
    }
  }
  return problems;
}

function unionProblems(schema: Schema, value: unknown, path: string): string[] {
  const problems = structureProblems(schema, value, path);
  if (isObject(value) && Object.values(value).filter((member) => member != null).length !== 1) {
    problems.push(`${path}: exactly one member of ${String(schema[2])} must be set`);
  }
  return problems;
}

function listProblems(element: unknown, value: unknown, path: string): string[] {
  if (!Array.isArray(value)) {
    return [wrong(path, "a list", value)];
  }
  return value.flatMap((item, index) => schemaProblems(element, item, `${path}[${index}]`));
}

function mapProblems(element: unknown, value: unknown, path: string): string[] {
  if (!isObject(value)) {
    return [wrong(path, "a map", value)];
  }
  return Object.entries(value).flatMap(([key, item]) => schemaProblems(element, item, join(path, key)));
}

function simpleProblems(code: number, value: unknown, path: string): string[] {
  if (code >= 128) {
    return mapProblems(code - 128, value, path);
  }
  if (code >= 64) {
    return listProblems(code - 64, value, path);
  }
  switch (code) {
    case 0:
    case 21:
      return typeof value === "string" ? [] : [wrong(path, "a string", value)];
    case 1:
      return typeof value === "number" ? [] : [wrong(path, "a number", value)];
    case 2:
      return typeof value === "boolean" ? [] : [wrong(path, "a boolean", value)];
    case 4:
      return typeof value === "number" ? [] : [wrong(path, "a time as epoch seconds", value)];
    case 15:
      return [];
    default:
      throw new Error(`unknown simple type ${code} at ${path}; the SDK has changed, see schema.ts`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(path: string, expected: string, value: unknown): string {
  const got = value === null ? "null" : Array.isArray(value) ? "a list" : isObject(value) ? "an object" : `a ${typeof value}`;
  return `${path || "the request"}: expected ${expected}, got ${got}`;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
