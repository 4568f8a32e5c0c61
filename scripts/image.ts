import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Bundle, bundle } from "./build.ts";
import { type ImageArchive, type ImageOptions, writeImage } from "./image/archive.ts";
import { defaults, labels } from "./image/config.ts";
import { downloadOptions, unpackDebs } from "./image/debian.ts";
import { type Arch, architectures, debianLock, isArch, packagesFor } from "./image/lock.ts";
import { nodePackage } from "./image/node-package.ts";
import { appFiles, runtimeFiles } from "./image/runtime-files.ts";
import { inRoot, unpack, whyNotTried } from "./image/try-image.ts";

/*
 * `npm run image`: the operator's image as an archive, without a container engine. It holds what the Dockerfile's holds: Node.js,
 * the libraries that it is linked with, and the bundle. Nothing of this machine goes into it: Node.js is that of the lockfile, the
 * libraries those of scripts/image/debian-lock.json.
 *   npm run image -- [--name NAME:TAG] [--output FILE] [--arch x64|arm64|all]
 */

const root = fileURLToPath(new URL("../", import.meta.url));

/** BuildImageOptions say what the image is called and where it goes. */
export interface BuildImageOptions {
  /** localhost/getabako:VERSION unless told. */
  readonly name?: string | undefined;
  /** artifacts/getabako-VERSION-ARCH.tar unless told. */
  readonly file?: string | undefined;
  /** This machine's unless told. */
  readonly arches?: readonly Arch[] | undefined;
  /** See ImageOptions. */
  readonly compress?: boolean;
  /** The commit that it is made of. */
  readonly commit?: { readonly hash: string; readonly seconds: number };
  readonly report?: (line: string) => void;
}

/** BuiltImage is an image with what is in it. */
export interface BuiltImage extends ImageArchive {
  readonly bundle: Bundle;
}

/** buildImage builds the program and its image, and proves that it starts where this machine can. */
export async function buildImage(options: BuildImageOptions = {}): Promise<BuiltImage> {
  const { arches = [ownArch()], compress = false, commit, report = () => {} } = options;
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
  const scratch = await mkdtemp(join(artifacts, ".image-"));
  try {
    report("bundling the program");
    const outdir = join(scratch, "bundle");
    const bundled = await bundle({ entry: `${root}src/main.ts`, outdir, version, root });
    const app = { comment: `getabako ${version}`, files: await appFiles(outdir, root) };
    const platforms: ImageOptions["platforms"][number][] = [];
    for (const arch of arches) {
      report(`collecting Node.js and Debian's libraries for ${architectures[arch].oci}`);
      platforms.push({ arch, layers: [await runtimeLayer(arch, join(scratch, arch)), app] });
    }
    report(`writing the image for ${arches.map((arch) => architectures[arch].oci).join(" and ")}`);
    const archive = await writeImage({
      file: options.file ?? join(artifacts, `getabako-${version}-${arches.join("-")}.tar`),
      name,
      platforms,
      config: { ...defaults, Labels: labels({ ...manifest, revision: commit?.hash }) },
      createdSeconds: commit?.seconds ?? 0,
      compress,
    });
    if (arches.includes(ownArch()) && (await whyNotTried()) === undefined) await tryOut(archive, version);
    return { ...archive, bundle: bundled };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runtimeLayer(
  arch: Arch,
  scratch: string,
): Promise<{ comment: string; files: Awaited<ReturnType<typeof runtimeFiles>> }> {
  const lock = debianLock();
  const packages = packagesFor(lock, arch);
  const node = await nodePackage(root, arch, scratch);
  const debian = join(scratch, "debian");
  await unpackDebs(packages, debian, downloadOptions(lock));
  const files = await runtimeFiles({ node: node.directory, debian, packages });
  return { comment: `Node.js v${node.version} and its libraries`, files };
}

function ownArch(): Arch {
  if (!isArch(process.arch)) throw new Error(`there is no image for ${process.arch}: --arch names one that there is`);
  return process.arch;
}

async function tryOut({ file }: ImageArchive, version: string): Promise<void> {
  const unpacked = await unpack(file, architectures[ownArch()].oci);
  try {
    const answer = await inRoot(unpacked, [...unpacked.config.Entrypoint, "version"]);
    if (answer !== `getabako ${version}\n`)
      throw new Error(`the image answered ${JSON.stringify(answer)} when asked for its version`);
  } finally {
    await unpacked.remove();
  }
}

function archesOf(text: string | undefined): readonly Arch[] | undefined {
  if (text === undefined) return undefined;
  if (text === "all") return Object.keys(architectures).filter(isArch);
  if (!isArch(text)) throw new Error(`--arch ${text}: it is x64, arm64 or all`);
  return [text];
}

if (import.meta.main) {
  const string = { type: "string" } as const;
  try {
    const { values } = parseArgs({ options: { name: string, output: string, arch: string } });
    const arches = archesOf(values.arch);
    const report = (line: string): void => console.log(line);
    const { file, name, digest, bytes, platforms } = await buildImage({ name: values.name, file: values.output, arches, report });
    console.log(`${name} in ${file} (${(bytes / 1024 / 1024).toFixed(0)} MiB, ${digest})`);
    for (const { platform } of platforms) {
      const untried = platform === `linux/${architectures[ownArch()].oci}` ? await whyNotTried() : "it is for other machines";
      console.log(`${platform}: ${untried === undefined ? "tried, it starts" : `not tried, ${untried}`}`);
    }
  } catch (error) {
    console.error(`[getabako] ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
