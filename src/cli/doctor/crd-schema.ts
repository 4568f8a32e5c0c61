import { canonicalJson, shortHash } from "../../util/hash.ts";

/** Schema is the part of a structural schema that is walked. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly [keyword: string]: unknown;
}

/** CrdFacts is what a release knows of a CRD: the fields of spec and status, and a hash of all that is not for people to read. */
export interface CrdFacts {
  readonly kind: string;
  readonly hash: string;
  readonly fields: readonly string[];
}

/** schemaFields lists the fields below spec and status, as `spec.capacity[].name`. */
export function schemaFields(schema: Schema): string[] {
  const fields: string[] = [];
  const walk = (node: Schema, path: string): void => {
    for (const [name, below] of Object.entries(node.properties ?? {})) {
      const own = path === "" ? name : `${path}.${name}`;
      if (path !== "") fields.push(own);
      walk(below, own);
    }
    if (node.items !== undefined) walk(node.items, `${path}[]`);
    if (typeof node.additionalProperties === "object") walk(node.additionalProperties, `${path}[*]`);
  };
  const { spec, status } = schema.properties ?? {};
  walk({ properties: { ...(spec !== undefined && { spec }), ...(status !== undefined && { status }) } }, "");
  return fields.sort();
}

/** schemaHash is equal for two schemas that accept the same objects; texts for people do not count. */
export function schemaHash(schema: Schema): string {
  return shortHash(canonicalJson(bare(schema)), 16);
}

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      // A field may be called description: then it is a schema and no text.
      .filter(([key, member]) => key !== "description" || typeof member !== "string")
      .map(([key, member]) => [key, key === "default" || key === "enum" ? member : bare(member)]),
  );
}
