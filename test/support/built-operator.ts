import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";
import { bundle } from "../../scripts/build.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** buildOperator bundles the operator into a folder, as the image has it, and returns the file to run. */
export async function buildOperator(outdir: string, plugins: readonly Plugin[] = []): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const { entry } = await bundle({ entry: join(root, "src/main.ts"), outdir, version, root, plugins });
  return join(root, entry);
}
