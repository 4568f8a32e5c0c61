import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";
import { type BundledPackage, bundledPackages } from "./third-party/bundled-packages.ts";
import { licenceTexts } from "./third-party/licence-texts.ts";

/*
 * `npm run build`: the program as one ES module, dist/getabako.mjs, with what is loaded late in chunks beside it. A bundle starts
 * in a third of the time and takes some 40 MB less memory than the same modules out of node_modules, and the image needs no
 * packages. The licences of what is in it come along in one file.
 */

/** licencesFile is its name. */
export const licencesFile = "THIRD-PARTY-LICENSES.txt";

/** Bundle is what was built. */
export interface Bundle {
  readonly entry: string;
  /** Every file with its size in bytes, the entry first; source maps and licences not counted. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** How many bytes are loaded at start. */
  readonly eagerBytes: number;
  /** The packages in it. */
  readonly packages: readonly BundledPackage[];
}

/** lazyPackages may not be loaded at start: a process that only takes webhooks has no use for them. */
const lazyPackages = ["@aws-sdk/", "@smithy/"];

const modelsPackage = "node_modules/@kubernetes/client-node/dist/";
/** Three times what it brings without them. */
const mostClientBytes = 100_000;

/**
 * droppableModels says of the client library's models what its package does not: that importing one does nothing else. So the 700 that
 * nobody uses stay out, an eighth of the program.
 */
const droppableModels: Plugin = {
  name: "droppable-models",
  setup(build) {
    const asked = {};
    build.onResolve({ filter: /^\.{1,2}\// }, async ({ path, pluginData, ...from }) => {
      if (pluginData === asked || !from.importer.includes(modelsPackage)) return undefined;
      const found = await build.resolve(path, { ...from, pluginData: asked });
      return found.path.includes(`${modelsPackage}gen/`) ? { ...found, sideEffects: false } : found;
    });
  },
};

/** bundle builds the program; the version is what `getabako version` prints. */
export async function bundle(options: {
  entry: string;
  outdir: string;
  version: string;
  root: string;
  plugins?: readonly Plugin[];
}): Promise<Bundle> {
  const { entry, outdir, version, root, plugins = [] } = options;
  rmSync(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { getabako: entry },
    outdir,
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    // The AWS SDK's own ES modules: half the size, and import() of its CommonJS form would give an object without names.
    mainFields: ["module", "main"],
    target: "node24",
    // Node.js keeps a program's text and parses all of it: without blanks it takes 14 MB less. Identifiers stay, as stack traces are made
    // of them, and lines stay short enough for a stack trace to say where; a build of the same commit makes the same maps.
    // keepNames would define a name again for each closure, when it is made. Two of one name are told apart by a number instead,
    // so no code may ask for the name of a class or function: errors have theirs as a property.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 160,
    sourcemap: "external",
    legalComments: "external",
    metafile: true,
    logLevel: "warning",
    plugins: [droppableModels, ...plugins],
    define: { GETABAKO_VERSION: JSON.stringify(version) },
    // Some packages are CommonJS and call require for Node's own modules, which an ES module does not have.
    banner: {
      js: 'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);',
    },
  });
  const outputs = Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".mjs"));
  const main = outputs.find(([, { entryPoint }]) => entryPoint !== undefined && relative(root, entry) === entryPoint)?.[0];
  if (main === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  const eager = eagerOutputs(metafile, main);
  const nameless = lateCommonJs(metafile);
  if (nameless !== undefined) throw new Error(`import() of ${nameless} gives only a default export in a bundle: it is CommonJS`);
  const client = [...eager].flatMap((path) => Object.entries(metafile.outputs[path]?.inputs ?? {}));
  const clientBytes = client
    .filter(([path]) => path.includes(modelsPackage))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
  if (clientBytes > mostClientBytes)
    throw new Error(`@kubernetes/client-node brings ${clientBytes} bytes: droppableModels finds its models no more`);
  const early = [...eager].flatMap((path) => Object.keys(metafile.outputs[path]?.inputs ?? {})).filter(isLazy);
  if (early.length > 0) throw new Error(`${early[0]} would be loaded at start: reach it through import() only`);
  const packages = bundledPackages(metafile, root);
  writeFileSync(join(outdir, licencesFile), licenceTexts(packages, root));
  return {
    entry: main,
    files: outputs
      .map(([path, { bytes }]) => ({ path, bytes }))
      .toSorted((a, b) => Number(b.path === main) - Number(a.path === main) || b.bytes - a.bytes),
    eagerBytes: [...eager].reduce((sum, path) => sum + (metafile.outputs[path]?.bytes ?? 0), 0),
    packages,
  };
}

/** eagerOutputs are the files that the entry imports without import(), directly or not. */
function eagerOutputs(metafile: Metafile, entry: string): Set<string> {
  const found = new Set([entry]);
  for (const path of found) {
    for (const { path: imported, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === "import-statement" && metafile.outputs[imported] !== undefined) found.add(imported);
    }
  }
  return found;
}

/** lateCommonJs finds a CommonJS module that the program itself loads with import(): esbuild does not name its exports then. */
function lateCommonJs({ inputs }: Metafile): string | undefined {
  return Object.entries(inputs)
    .filter(([path]) => !path.includes("node_modules/"))
    .flatMap(([, { imports }]) => imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => path))
    .find((path) => inputs[path]?.format === "cjs");
}

function isLazy(input: string): boolean {
  return lazyPackages.some((name) => input.includes(`node_modules/${name}`));
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const { version } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { version: string };
  const { files, eagerBytes } = await bundle({ entry: `${root}src/main.ts`, outdir: `${root}dist`, version, root });
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(0).padStart(6)} KiB`;
  const shown = files.filter(({ bytes }, index) => index === 0 || bytes >= 50 * 1024);
  for (const { path, bytes } of shown) console.log(`${kib(bytes)}  ${path}`);
  if (shown.length < files.length) console.log(`            and ${files.length - shown.length} smaller chunks`);
  console.log(
    `${kib(eagerBytes)}  of this at start; ${kib(files.reduce((sum, { bytes }) => sum + bytes, 0)).trim()} in all (getabako ${version})`,
  );
}
