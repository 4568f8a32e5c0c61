import type { KindDefinition } from "../../src/api/kind.ts";
import { type CrdFacts, schemaFields, schemaHash, type Schema } from "../../src/cli/doctor/crd-schema.ts";
import { objectSchema } from "./crd.ts";
import { generatedFrom } from "./generated-file.ts";

/** crdFacts is the module by which `getabako doctor` knows the CRDs of its release, without loading the schemas. */
export function crdFacts(kinds: readonly KindDefinition[]): string {
  const facts = kinds.map((kind): [string, CrdFacts] => {
    // As it goes over the wire: without members that are undefined.
    const schema = JSON.parse(JSON.stringify(objectSchema(kind))) as Schema;
    return [kind.plural, { kind: kind.kind, hash: schemaHash(schema), fields: schemaFields(schema) }];
  });
  return `// ${generatedFrom("src/api")}
import type { CrdFacts } from "./crd-schema.ts";

/** crdFacts is what this release knows of each CRD, by plural. */
export const crdFacts: Readonly<Record<string, CrdFacts>> = ${JSON.stringify(Object.fromEntries(facts), undefined, 2)};
`;
}
