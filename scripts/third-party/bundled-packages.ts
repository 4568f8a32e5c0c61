import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/** BundledPackage is a package of which at least a byte is in the bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** From the root of the project: node_modules/a/node_modules/b. */
  readonly directory: string;
  /** As its package.json says: an SPDX expression, if all is well. */
  readonly licence: string | undefined;
  readonly homepage?: string;
}

/** bundledPackages reads out of esbuild's own account which packages the bundle holds; what it left out does not count. */
export function bundledPackages({ outputs }: Pick<Metafile, "outputs">, root: string): BundledPackage[] {
  const inputs = Object.values(outputs)
    .flatMap((output) => Object.entries(output.inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
  const directories = new Set(inputs.map(packageDirectory).filter((directory) => directory !== undefined));
  return [...directories]
    .map((directory) => described(directory, root))
    .toSorted((a, b) => compare(a.name, b.name) || compare(a.version, b.version) || compare(a.directory, b.directory));
}

/** packageDirectory is the innermost package that a path belongs to. */
export function packageDirectory(path: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function described(directory: string, root: string): BundledPackage {
  const manifest = JSON.parse(readFileSync(join(root, directory, "package.json"), "utf8")) as Record<string, unknown>;
  const { name, version, license, homepage } = manifest;
  if (typeof name !== "string" || typeof version !== "string")
    throw new Error(`${directory}/package.json has no name and version`);
  return {
    name,
    version,
    directory,
    licence: typeof license === "string" ? license : undefined,
    ...(typeof homepage === "string" ? { homepage } : {}),
  };
}

/** Not by the language of the machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
