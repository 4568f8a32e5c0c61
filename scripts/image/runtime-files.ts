import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { licencesFile } from "../build.ts";
import { readElf } from "./elf.ts";
import type { LockedPackage } from "./lock.ts";

/** ImageFile is one file of the image: from this machine, or with a content of its own. */
export type ImageFile = { readonly path: string; readonly mode?: number } & (
  | { readonly source: string }
  | { readonly content: string }
);

/** Whom the program runs as; distroless images call the same number "nonroot". */
export const user = 65_532;

/** Where things are in the image, in this one and in the Dockerfile's. */
export const places = {
  node: "/usr/local/bin/node",
  command: "/usr/local/bin/getabako",
  app: "/app",
  licences: "/usr/share/doc",
} as const;

/** command is what `kubectl exec deploy/getabako -- getabako doctor` starts: there is no shell in the image, so Node.js reads it itself. */
export const command = `#!${places.node}\nimport "${places.app}/getabako.mjs";\n`;

/** entrypoint is the command of the image; its arguments follow. */
export const entrypoint = [places.node, `${places.app}/getabako.mjs`] as const;

/** RuntimeParts are where the files come from. */
export interface RuntimeParts {
  /** The unpacked package of Node.js. */
  readonly node: string;
  /** Debian packages, unpacked over each other as unpackDebs does. */
  readonly debian: string;
  readonly packages: readonly LockedPackage[];
}

/**
 * runtimeFiles are what the program needs from outside: Node.js, the shared libraries that it is linked with, the files that glibc
 * reads to find names, the licences of all that, and what tells a scanner which Debian packages they are of. Certificates and time
 * zones are missing on purpose: Node.js has its own.
 */
export async function runtimeFiles({ node, debian, packages }: RuntimeParts): Promise<ImageFile[]> {
  const program = join(node, "bin/node");
  return [
    { path: places.node, source: program, mode: 0o755 },
    { path: `${places.licences}/node/LICENSE`, source: join(node, "LICENSE") },
    ...(await sharedLibraries(program, debian)),
    ...(await debianPapers(debian, packages)),
    { path: `${places.licences}/SOURCES.txt`, content: sources(packages) },
    { path: "/etc/passwd", content: `root:x:0:0:root:/:/nonexistent\nnonroot:x:${user}:${user}:nonroot:/:/nonexistent\n` },
    { path: "/etc/group", content: `root:x:0:\nnonroot:x:${user}:\n` },
    { path: "/etc/nsswitch.conf", content: "passwd: files\ngroup: files\nhosts: files dns\n" },
  ];
}

/** appFiles are the program itself, without the source maps: reading them would cost more memory than they are worth. */
export async function appFiles(bundle: string, root: string): Promise<ImageFile[]> {
  const names = await readdir(bundle, { recursive: true });
  const wanted = names.filter((name) => name.endsWith(".mjs") || name.endsWith(".LEGAL.txt"));
  return [
    ...wanted.map((name) => ({ path: `${places.app}/${name}`, source: join(bundle, name) })),
    { path: places.command, content: command, mode: 0o755 },
    { path: `${places.licences}/getabako/LICENSE`, source: join(root, "LICENSE") },
    { path: `${places.licences}/getabako/${licencesFile}`, source: join(bundle, licencesFile) },
  ];
}

/** The libraries that a program needs, and those that they need, each where Debian has it. */
async function sharedLibraries(program: string, debian: string): Promise<ImageFile[]> {
  const { interpreter, needed } = await readElf(program);
  if (interpreter === undefined) throw new Error(`${program} names no loader`);
  const loader = await resolveIn(debian, interpreter);
  if (loader === undefined) throw new Error(`${program} needs ${interpreter}, and no package of debian-lock.json has it`);
  const files: ImageFile[] = [{ path: interpreter, source: loader, mode: 0o755 }];
  // The loader is a library of its own that the others name; it is there already.
  const seen = new Set([basename(interpreter)]);
  const waiting = [...needed];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const [path, source] = await findLibrary(name, debian);
    files.push({ path, source, mode: 0o755 });
    waiting.push(...(await readElf(source)).needed);
  }
  return files;
}

async function findLibrary(name: string, debian: string): Promise<[path: string, source: string]> {
  for (const directory of ["/lib", "/usr/lib"]) {
    const below = await readdir(join(debian, directory)).catch(() => []);
    for (const triplet of below.filter((each) => each.endsWith("-linux-gnu"))) {
      const path = `${directory}/${triplet}/${name}`;
      const source = await resolveIn(debian, path);
      if (source !== undefined) return [path, source];
    }
  }
  throw new Error(`Node.js needs ${name}, and no package of debian-lock.json has it`);
}

/** What Debian says of its packages: copyrights, the licences that they refer to, and for scanners what is installed. */
async function debianPapers(debian: string, packages: readonly LockedPackage[]): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  const licences = new Set<string>();
  const add = async (path: string): Promise<string> => {
    const source = await resolveIn(debian, path);
    if (source === undefined) throw new Error(`no package of debian-lock.json has ${path}`);
    files.push({ path, source });
    return await readFile(source, "utf8");
  };
  for (const { name } of packages) {
    const copyright = await add(`${places.licences}/${name}/copyright`);
    for (const [, licence] of copyright.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z]+(?:-[\d.]*\d)?)/g))
      licences.add(licence ?? "");
    files.push({ path: `/var/lib/dpkg/status.d/${name}`, source: join(debian, "DEBIAN", name, "control") });
  }
  for (const licence of [...licences].toSorted()) await add(`/usr/share/common-licenses/${licence}`);
  for (const path of ["/etc/debian_version", "/etc/os-release"]) await add(path);
  return files;
}

/** The GPL and LGPL want to know where the source is; Debian's archive keeps that of every version. */
function sources(packages: readonly LockedPackage[]): string {
  const names = new Map(packages.map(({ source, sourceVersion }) => [source, sourceVersion]));
  const lines = [...names].map(
    ([name, version]) => `${name} ${version}: https://snapshot.debian.org/package/${name}/${version}/\n`,
  );
  return `The Debian packages of which this image has files are built, unchanged, from these sources:\n\n${lines.join("")}`;
}

/** resolveIn follows the links on a path as they are meant: from the root of the unpacked packages, not from this machine's. */
async function resolveIn(root: string, path: string, depth = 0): Promise<string | undefined> {
  if (depth > 10) throw new Error(`${path} is a link to itself`);
  let done = "/";
  const parts = path.split("/").filter((part) => part !== "");
  for (const [index, part] of parts.entries()) {
    const here = join(done, part);
    const found = await lstat(join(root, here)).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) {
      const target = await readlink(join(root, here));
      const rest = parts.slice(index + 1);
      return await resolveIn(root, join(target.startsWith("/") ? target : join(dirname(here), target), ...rest), depth + 1);
    }
    done = here;
  }
  return join(root, done);
}
