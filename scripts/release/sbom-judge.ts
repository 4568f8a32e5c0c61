import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";

/** sbomJudge holds documents against CycloneDX' own schema, which its library brings. */
export function sbomJudge(root: string): (document: unknown) => string[] {
  const read = (name: string): object =>
    JSON.parse(
      readFileSync(join(root, "node_modules/@cyclonedx/cyclonedx-library/res/schema", `${name}.SNAPSHOT.schema.json`), "utf8"),
    ) as object;
  // The schema has words of other dialects in it ("meta:enum").
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
  addFormats.default(ajv, ["date-time", "uri"]);
  // An address that is plain ASCII is what both formats mean; ours are.
  ajv.addFormat("idn-email", /^\S+@\S+$/);
  ajv.addFormat("iri-reference", /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/);
  // References in it are to the files beside it, whose ids are other names.
  for (const name of ["spdx", "jsf-0.82"]) {
    ajv.addSchema({ ...read(name), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` });
  }
  const valid = ajv.compile(read("bom-1.6"));
  return (document) => {
    if (valid(document)) return [];
    return (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath || "/"} ${message ?? ""}`);
  };
}
