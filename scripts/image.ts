import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundle } from "./build.ts";
import { type ImageArchive, writeImage } from "./image/archive.ts";
import { defaults, labels } from "./image/config.ts";
import { appFiles, runtimeFiles } from "./image/runtime-files.ts";
import { inRoot, unpack, whyNotTried } from "./image/try-image.ts";

/*
 * `npm run image`: the operator's image as an archive, without a container engine. It holds what the Dockerfile's holds: Node.js,
 * the libraries that it is linked with, and the bundle.
 *   npm run image -- [--name NAME:TAG] [--output FILE]
 */

const root = fileURLToPath(new URL("../", import.meta.url));

/** BuildImageOptions say what the image is called and where it goes. */
export interface BuildImageOptions {
  /** localhost/getabako:VERSION unless told. */
  readonly name?: string | undefined;
  /** artifacts/getabako-VERSION-ARCH.tar unless told. */
  readonly file?: string | undefined;
}

/** buildImage builds the program and its image, and proves that it starts where this machine can. */
export async function buildImage(options: BuildImageOptions = {}): Promise<ImageArchive> {
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Record<
    "version" | "description" | "license",
    string
  >;
  const { version } = manifest;
  const name = options.name ?? `localhost/getabako:${version}`;
  if (!/^[^/:]+(:[0-9]+)?\/[^:]+:[^:/]+$/.test(name)) throw new Error(`${name} is no image name with a host part and a tag`);
  const artifacts = join(root, "artifacts");
  await mkdir(artifacts, { recursive: true });
  // Not dist: a process that runs from there would lose the chunks that it has not loaded yet.
  const outdir = join(artifacts, `bundle-${process.pid}`);
  try {
    await bundle({ entry: `${root}src/main.ts`, outdir, version, root });
    const archive = await writeImage({
      file: options.file ?? join(artifacts, `getabako-${version}-${process.arch}.tar`),
      name,
      layers: [
        { comment: `Node.js ${process.version} and its libraries`, files: await runtimeFiles(root) },
        { comment: `getabako ${version}`, files: await appFiles(outdir, root) },
      ],
      config: { ...defaults, Labels: labels(manifest) },
    });
    if ((await whyNotTried()) === undefined) await tryOut(archive, version);
    return archive;
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

async function tryOut({ file }: ImageArchive, version: string): Promise<void> {
  const unpacked = await unpack(file);
  try {
    const answer = await inRoot(unpacked, [...unpacked.config.Entrypoint, "version"]);
    if (answer !== `getabako ${version}\n`)
      throw new Error(`the image answered ${JSON.stringify(answer)} when asked for its version`);
  } finally {
    await unpacked.remove();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { name: { type: "string" }, output: { type: "string" } } });
  try {
    const { file, name, digest, bytes } = await buildImage({ name: values.name, file: values.output });
    console.log(`${name} in ${file} (${(bytes / 1024 / 1024).toFixed(0)} MiB, ${digest})`);
    const untried = await whyNotTried();
    console.log(untried === undefined ? "tried: it starts" : `not tried: ${untried}`);
  } catch (error) {
    console.error(`[getabako] ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
