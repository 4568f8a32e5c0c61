import { isDeepStrictEqual } from "node:util";
import { parseAllDocuments } from "yaml";
import { runCommand } from "../cluster/run-command.ts";
import type { Helm } from "./helms.ts";
import type { ChartVersion } from "./release.ts";

/** Schema is as much of an OpenAPI schema as can be narrower than another. */
export interface Schema {
  readonly type?: string;
  readonly pattern?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly [bound: string]: unknown;
}

/** Kind is a CustomResourceDefinition, in part. */
export interface Kind {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** kindsOf are the kinds that a version's chart installs. */
export async function kindsOf({ name, chart }: ChartVersion, { path }: Helm): Promise<Kind[]> {
  const objects = parseAllDocuments(await runCommand(path, ["template", "getabako", chart])).map(
    (document) => document.toJS() as Kind | null,
  );
  const kinds = objects.filter((object): object is Kind => object?.kind === "CustomResourceDefinition");
  if (kinds.length !== 4) throw new Error(`the chart of ${name} has ${kinds.length} kinds, 4 wanted`);
  return kinds;
}

/**
 * narrowed names what a schema takes away from an older one: a stored object, or an operator that is one version behind, could break on
 * it. CEL rules are left out: the API server does not ask them of what a write leaves as it was.
 */
export function narrowed(older: Schema, newer: Schema, path = ""): string[] {
  const found: string[] = [];
  const here = (what: string): void => void found.push(`${path === "" ? "." : path}: ${what}`);
  for (const key of ["type", "pattern", "format"] as const) {
    const wanted = newer[key];
    if (wanted !== undefined && wanted !== older[key]) here(`${key} is ${wanted} and was ${older[key] ?? "free"}`);
  }
  for (const key of ["minimum", "minLength", "minItems", "minProperties"] as const) {
    if (Number(newer[key] ?? Number.NEGATIVE_INFINITY) > Number(older[key] ?? Number.NEGATIVE_INFINITY))
      here(`${key} was raised`);
  }
  for (const key of ["maximum", "maxLength", "maxItems", "maxProperties"] as const) {
    if (Number(newer[key] ?? Number.POSITIVE_INFINITY) < Number(older[key] ?? Number.POSITIVE_INFINITY))
      here(`${key} was lowered`);
  }
  for (const name of newer.required ?? []) if (older.required?.includes(name) !== true) here(`${name} became required`);
  if (newer.enum !== undefined) {
    const gone = older.enum?.filter((value) => newer.enum?.some((other) => isDeepStrictEqual(value, other)) !== true);
    if (gone === undefined) here("became an enum");
    else if (gone.length > 0) here(`no ${gone.join(", ")} any more`);
  }
  for (const [name, property] of Object.entries(older.properties ?? {})) {
    const kept = newer.properties?.[name];
    if (kept === undefined) here(`${name} is gone`);
    else found.push(...narrowed(property, kept, `${path}.${name}`));
  }
  for (const key of ["items", "additionalProperties"] as const) {
    const inner = older[key];
    if (inner !== undefined) found.push(...narrowed(inner, newer[key] ?? {}, `${path}[]`));
  }
  return found;
}
