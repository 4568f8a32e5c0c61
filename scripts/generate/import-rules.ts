import type { Folder } from "./import-table.ts";

/** One entry of `patterns` of the lint rule no-restricted-imports. */
export interface RestrictedPattern {
  readonly group?: readonly string[];
  readonly regex?: string;
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

/** An override of .oxlintrc.json that restricts imports. */
export interface ImportOverride {
  readonly files: readonly string[];
  readonly rules: { readonly "no-restricted-imports": readonly ["error", { readonly patterns: readonly RestrictedPattern[] }] };
}

/** compositionRoot is what nothing imports; the pattern holds for src (../main.ts) and for test, demo and scripts (../src/main.ts). */
const compositionRoot: RestrictedPattern = {
  regex: "(^|/)src/main\\.ts$|^(\\.\\./)+main\\.ts$",
  message: "src/main.ts is the composition root: nothing imports it.",
};

/**
 * importOverrides prints the table as complete overrides: where several overrides configure one rule for a file only the last one
 * counts, so none of them builds upon another. Tests beside their file may
 * also import every package, and test/support. They are sorted so that the more exact path comes later.
 */
export function importOverrides(table: readonly Folder[]): ImportOverride[] {
  const rows = table.toSorted((a, b) => rank(a.path) - rank(b.path));
  return rows.flatMap((row) => [
    override(`src/${row.path}/*.ts`, patterns(row, false)),
    override(`src/${row.path}/*.test.ts`, patterns(row, true)),
  ]);
}

/** outsideOverride is the one limit of folders that may import everything: tests, scripts, the demo and src/main.ts itself. */
export function outsideOverride(files: readonly string[]): ImportOverride {
  return {
    files,
    rules: { "no-restricted-imports": ["error", { patterns: [{ ...compositionRoot, regex: "(^|/)src/main\\.ts$" }] }] },
  };
}

/** foldersWithoutRow finds folders of src (paths below it) that no row of the table speaks of. */
export function foldersWithoutRow(table: readonly Folder[], folders: readonly string[]): string[] {
  const rows = table.map(({ path }) => new RegExp(`^${path.replaceAll("*", "[^/]+")}$`));
  return folders.filter((folder) => !rows.some((row) => row.test(folder)));
}

function patterns({ path, may, typesOnly = [], near = [], packages = [] }: Folder, inTests: boolean): RestrictedPattern[] {
  if (may === "everything") return [compositionRoot];
  const allowed = [...may.map((name) => `src/${name}`), ...packages];
  return [
    // Regexes always report, so these hold although the group below admits the folder.
    ...typesOnly.map((name) => ({
      regex: `^(\\.\\./)+${name}/`,
      message: `src/${path} may import only types of src/${name} (import type).`,
      allowTypeImports: true,
    })),
    // One group and no more, because an exception (!) in one group also cancels what another group found. The last match wins.
    {
      group: [
        ...(inTests
          ? ["./**", "../**", "!../**/test/support/**"]
          : ["*", "!node:*", "!node:*/**", ...packages.flatMap(packageException)]),
        "!./*",
        ...may.map(folderException),
        ...near.map((name) => `!${name}`),
      ],
      message: `src/${path} may import ${allowed.length === 0 ? "nothing but Node and itself" : `only ${allowed.join(", ")}`}: see scripts/generate/import-table.ts.`,
    },
  ];
}

function folderException(name: string): string {
  return name.endsWith(".ts") ? `!../**/${name}` : `!../**/${name}/**`;
}

function packageException(name: string): string[] {
  return name.endsWith("/*") ? [`!${name}*`] : [`!${name}`, `!${name}/**`];
}

function override(files: string, list: readonly RestrictedPattern[]): ImportOverride {
  return { files: [files], rules: { "no-restricted-imports": ["error", { patterns: list }] } };
}

function rank(path: string): number {
  return path.split("/").length * 2 + (path.includes("*") ? 0 : 1);
}
