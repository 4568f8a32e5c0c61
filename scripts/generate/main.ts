import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { kinds } from "../../src/api/v1alpha1/kinds.ts";
import { formatted } from "./biome.ts";
import { crdFacts } from "./crd-facts.ts";
import { crdFiles } from "./crd-files.ts";
import { changes } from "./changes.ts";
import { type GeneratedFile, generatedFrom } from "./generated-file.ts";
import { foldersWithoutRow } from "./import-rules.ts";
import { importTable } from "./import-table.ts";
import { oxlintConfig } from "./oxlint-config.ts";
import { referencePage } from "./reference.ts";
import { signalsPage } from "./signals.ts";
import { versioned } from "./version-places.ts";

/*
 * Everything that is generated, in one place. `main.ts` writes it; `main.ts --check` writes nothing and fails with a summary
 * when the tree differs, also when a file lies in a generated folder that nothing generates (any more).
 */
const root = fileURLToPath(new URL("../../", import.meta.url));
const generatedFolders = ["crds", "charts/getabako/templates/crds"];

const wanted: readonly GeneratedFile[] = [
  ...crdFiles(kinds),
  { path: "docs/reference.md", content: referencePage(kinds) },
  { path: "docs/signals.md", content: await signalsPage() },
  {
    path: "src/cli/doctor/crd-facts.ts",
    content: formatted("src/cli/doctor/crd-facts.ts", crdFacts(kinds), root),
  },
  { path: ".oxlintrc.json", content: lintConfiguration() },
  // A chart can read its own files only.
  { path: "charts/getabako/files/dashboard.json", content: readFileSync(`${root}config/grafana/getabako.json`, "utf8") },
  ...versioned(versionOfProject(), (path) => readFileSync(`${root}${path}`, "utf8")),
];

function versionOfProject(): string {
  return (JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { version: string }).version;
}

function lintConfiguration(): string {
  const missing = foldersWithoutRow(importTable, foldersOfSource());
  if (missing.length > 0) {
    throw new Error(
      `no row in scripts/generate/import-table.ts for ${missing.map((folder) => `src/${folder}`).join(", ")}: add one`,
    );
  }
  const config = oxlintConfig(importTable);
  const text = `// ${generatedFrom("scripts/generate/import-table.ts")}\n${JSON.stringify(config, undefined, 2)}\n`;
  return formatted(".oxlintrc.json", text, root);
}

/** foldersOfSource are the folders below src that hold TypeScript files themselves. */
function foldersOfSource(): string[] {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  return [...new Set(files.map((path) => dirname(path)))].filter((folder) => folder !== ".");
}

function currentContent(path: string): string | undefined {
  try {
    return readFileSync(`${root}${path}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function existingPaths(): string[] {
  return generatedFolders.flatMap((folder) => {
    try {
      return readdirSync(`${root}${folder}`).map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

const current = new Map<string, string>();
for (const path of new Set([...wanted.map((file) => file.path), ...existingPaths()])) {
  const content = currentContent(path);
  if (content !== undefined) current.set(path, content);
}
const differences = changes(current, wanted);

if (process.argv.includes("--check")) {
  for (const { path, summary } of differences) console.error(`stale: ${path}\n${summary}`);
  if (differences.length > 0) {
    console.error(
      `\n${differences.length} of ${wanted.length} generated files are stale: run npm run generate, and commit the result`,
    );
    process.exitCode = 1;
  } else {
    console.log(`${wanted.length} generated files are up to date`);
  }
} else {
  for (const { path, content } of differences) {
    if (content === undefined) {
      rmSync(`${root}${path}`);
      console.log(`removed ${path}`);
      continue;
    }
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    writeFileSync(`${root}${path}`, content);
    console.log(`wrote ${path}`);
  }
  if (differences.length === 0) console.log(`${wanted.length} generated files were up to date`);
}
