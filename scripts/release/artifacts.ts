import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { buildImage } from "../image.ts";
import { type Arch, architectures, debianLock, isArch } from "../image/lock.ts";
import { licenceProblem } from "../third-party/licence-policy.ts";
import { licenceTexts } from "../third-party/licence-texts.ts";
import { writeChart } from "./chart-archive.ts";
import { sbom } from "./sbom.ts";
import { sbomJudge } from "./sbom-judge.ts";

/** ArtifactOptions say what is built, and from what. */
export interface ArtifactOptions {
  /** A tree that holds exactly the commit. */
  readonly root: string;
  readonly outdir: string;
  readonly commit: { readonly hash: string; readonly seconds: number };
  readonly report: (line: string) => void;
}

interface Manifest {
  readonly version: string;
  readonly license: string;
}

type Lock = Readonly<Record<string, { readonly version: string; readonly integrity?: string } | undefined>>;

/** buildArtifacts makes everything that a release hands out. Nothing of time, place and machine goes into it but the commit's own time. */
export async function buildArtifacts({ root, outdir, commit, report }: ArtifactOptions): Promise<void> {
  const { version, license } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;
  const { packages: lock } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as { packages: Lock };
  const path = (name: string): string => join(outdir, name);
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });

  const arches = Object.keys(architectures).filter(isArch);
  const image = await buildImage({
    name: `localhost/getabako:${version}`,
    file: path(`getabako-${version}-image.tar`),
    arches,
    compress: true,
    commit,
    report,
  });

  report("packing the chart and the CRDs");
  await writeChart(join(root, "charts/getabako"), path(`getabako-${version}.tgz`), commit.seconds);
  await writeFile(path(`getabako-${version}-crds.yaml`), await crds(root));

  report("listing what is in the image, and its licences");
  const { packages } = image.bundle;
  const unlicensed = packages.flatMap(({ name, licence }) => {
    const problem = licenceProblem(licence, "shipped");
    return problem === undefined ? [] : [`${name}: ${problem}`];
  });
  if (unlicensed.length > 0) throw new Error(`not to be shipped:\n  ${unlicensed.join("\n  ")}`);
  await writeFile(path(`getabako-${version}-THIRD-PARTY-LICENSES.txt`), licenceTexts(packages, root));
  await copyFile(join(root, "LICENSE"), path("LICENSE"));

  const debian = debianLock();
  const node = nodeBuilds(lock, arches);
  if (process.versions.node !== node.version)
    throw new Error(`this is Node.js ${process.versions.node}, and the lockfile has ${node.version}`);
  const document = sbom({
    version,
    licence: license,
    commit: commit.hash,
    seconds: commit.seconds,
    packages,
    integrity: Object.fromEntries(Object.entries(lock).map(([directory, locked]) => [directory, locked?.integrity])),
    node: { ...node, versions: process.versions },
    debian,
  });
  const problems = sbomJudge(root)(document);
  if (problems.length > 0) throw new Error(`the SBOM is no CycloneDX:\n  ${problems.join("\n  ")}`);
  await writeFile(path(`getabako-${version}.cdx.json`), `${JSON.stringify(document, undefined, 2)}\n`);

  const { digest, platforms } = image;
  const record = {
    name: "getabako",
    version,
    commit: commit.hash,
    committed: new Date(commit.seconds * 1_000).toISOString(),
    node: node.version,
    debian: { ...debian.release, snapshot: debian.snapshot },
    image: { digest, platforms },
    files: await listed(outdir),
  };
  await writeFile(path("release.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  const sums = (await listed(outdir)).map(({ file, sha256 }) => `${sha256}  ${file}\n`);
  await writeFile(path("SHA256SUMS"), sums.join(""));
}

function nodeBuilds(lock: Lock, arches: readonly Arch[]): { version: string; builds: { arch: Arch; integrity: string }[] } {
  const builds = arches.map((arch) => {
    const locked = lock[`node_modules/node-linux-${arch}`];
    if (locked?.integrity === undefined) throw new Error(`package-lock.json has no node-linux-${arch}`);
    return { arch, version: locked.version, integrity: locked.integrity };
  });
  const versions = new Set(builds.map(({ version }) => version));
  const [version] = versions;
  if (version === undefined || versions.size > 1)
    throw new Error(`Node.js differs between architectures: ${[...versions].join(", ")}`);
  return { version, builds };
}

async function crds(root: string): Promise<string> {
  const names = (await readdir(join(root, "crds"))).filter((name) => name.endsWith(".yaml")).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(root, "crds", name), "utf8")));
  return texts.map((text) => `---\n${text}`).join("");
}

async function listed(directory: string): Promise<{ file: string; bytes: number; sha256: string }[]> {
  const names = (await readdir(directory)).toSorted();
  return await Promise.all(
    names.map(async (file) => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(join(directory, file)), hash);
      return { file, bytes: (await stat(join(directory, file))).size, sha256: hash.digest("hex") };
    }),
  );
}
