import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import addFormats from "ajv-formats";
import { type Document, OpenAPIBackend } from "openapi-backend";
import { usedOperations } from "./openapi-paths.ts";

const require = createRequire(import.meta.url);

/** Raised whenever `prune` changes, so that an older cache is not used. */
const pruneVersion = 3;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** loadDescription returns GitHub's description, cut down to what is served; the result is cached under node_modules/.cache. */
export function loadDescription(): JsonObject {
  const packageFile = require.resolve("@octokit/openapi/package.json");
  const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([pruneVersion, version, usedOperations]))
    .digest("hex")
    .slice(0, 12);
  const cacheFile = join(dirname(packageFile), "../../.cache/getabako-sim", `github-openapi-${version}-${fingerprint}.json`);
  try {
    return JSON.parse(readFileSync(cacheFile, "utf8")) as JsonObject;
  } catch {
    // Not there yet, or cut short by a crash: made again below.
  }
  const whole = JSON.parse(readFileSync(join(dirname(packageFile), "generated/api.github.com.json"), "utf8")) as JsonObject;
  const pruned = prune(whole);
  try {
    mkdirSync(dirname(cacheFile), { recursive: true });
    // Several test workers may do this at once; a rename never shows half a file.
    const own = `${cacheFile}.${process.pid}`;
    writeFileSync(own, JSON.stringify(pruned));
    renameSync(own, cacheFile);
  } catch {
    // A read-only installation works, only more slowly.
  }
  return pruned;
}

/** prune keeps the used operations with the components they reach, and makes the schemas strict and readable for ajv. */
export function prune(whole: JsonObject): JsonObject {
  const paths: JsonObject = {};
  const components: { [section: string]: JsonObject } = {};
  const all = whole["paths"] as { [path: string]: JsonObject };
  for (const [path, methods] of Object.entries(usedOperations)) {
    const item: JsonObject = {};
    for (const method of methods) {
      const operation = all[path]?.[method];
      if (!operation) throw new Error(`GitHub's description has no ${method.toUpperCase()} ${path}`);
      item[method] = structuredClone(operation);
      closeBody(item[method] as JsonObject);
    }
    paths[path] = item;
  }
  repairAccount(paths);
  const pending: Json[] = [paths];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const reference of referencesIn(node)) {
      const [, , section, name] = reference.split("/") as [string, string, string, string];
      const known = components[section] ?? {};
      components[section] = known;
      if (known[name] !== undefined) continue;
      const component = structuredClone((whole["components"] as { [section: string]: JsonObject })[section]?.[name]);
      if (component === undefined) throw new Error(`GitHub's description lacks ${reference}`);
      known[name] = component;
      pending.push(component);
    }
  }
  repairCreated(components["parameters"] ?? {});
  const pruned: JsonObject = { openapi: whole["openapi"] as Json, info: { title: "pruned", version: "0" }, paths, components };
  return tidy(pruned) as JsonObject;
}

/** GitHub ignores unknown body fields; a client that sends one means something that will not happen. */
function closeBody(operation: JsonObject): void {
  const content = (operation["requestBody"] as JsonObject | undefined)?.["content"] as JsonObject | undefined;
  const schema = (content?.["application/json"] as JsonObject | undefined)?.["schema"] as JsonObject | undefined;
  if (schema?.["type"] === "object" && schema["additionalProperties"] === undefined) schema["additionalProperties"] = false;
}

/** The description wants the account of a listed installation to be a user AND an enterprise; everywhere else it says "or". */
function repairAccount(paths: JsonObject): void {
  const walk = (node: Json): void => {
    if (node === null || typeof node !== "object") return;
    if (!Array.isArray(node) && Array.isArray(node["allOf"]) && node["allOf"].length === 2) {
      const titles = node["allOf"].map((item) => (item as JsonObject)["title"]);
      if (titles.includes("Simple User") && titles.includes("Enterprise")) {
        node["anyOf"] = node["allOf"];
        delete node["allOf"];
      }
    }
    for (const value of Object.values(node)) walk(value);
  };
  walk(paths["/app/installations"] ?? null);
}

/** `created` of the run list takes search expressions such as `>=2026-10-01`, as its own text says, and is described as a plain moment. */
function repairCreated(parameters: JsonObject): void {
  delete ((parameters["created"] as JsonObject | undefined)?.["schema"] as JsonObject | undefined)?.["format"];
}

function* referencesIn(node: Json): Generator<string> {
  if (Array.isArray(node)) {
    for (const item of node) yield* referencesIn(item);
  } else if (node !== null && typeof node === "object") {
    for (const [key, value] of Object.entries(node)) {
      if (key === "$ref" && typeof value === "string") yield value;
      else if (key !== "examples" && key !== "example") yield* referencesIn(value);
    }
  }
}

/** tidy drops prose and examples, and rewrites the two ways of saying "or null" that ajv does not understand. */
function tidy(node: Json, parent = ""): Json {
  if (Array.isArray(node)) return node.map((item) => tidy(item));
  if (node === null || typeof node !== "object") return node;
  const named = parent === "properties" || parent === "schemas";
  const entries = Object.entries(node)
    .filter(([key]) => named || !["example", "examples", "externalDocs", "x-github", "x-octokit", "tags"].includes(key))
    .map(([key, value]) => [key, tidy(value, key)] as const);
  const schema = Object.fromEntries(entries) as JsonObject;
  if (schema["nullable"] !== true || named) return schema;
  if (schema["type"] === undefined) {
    // `nullable` without `type`: ajv refuses it.
    const { nullable: _, ...rest } = schema;
    return { anyOf: [rest, { enum: [null] }] };
  }
  // `nullable` with an enum that lacks null: ajv would refuse null.
  if (Array.isArray(schema["enum"]) && !schema["enum"].includes(null)) schema["enum"] = [...schema["enum"], null];
  return schema;
}

let backend: Promise<OpenAPIBackend> | undefined;

/** openApi is the router and validator that every simulator of this process shares: compiling the schemas is the expensive part. */
export function openApi(): Promise<OpenAPIBackend> {
  backend ??= new OpenAPIBackend({
    definition: loadDescription() as unknown as Document,
    quick: true,
    validate: true,
    ajvOpts: { allErrors: true, strict: false },
    customizeAjv: (ajv) => {
      // ajv-formats is a CommonJS module whose types claim an ES default export.
      (addFormats as unknown as (target: typeof ajv) => void)(ajv);
      return ajv;
    },
  }).init();
  return backend;
}
