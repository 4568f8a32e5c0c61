import { execFile } from "node:child_process";
import { access, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

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

/** Packages of Debian whose files may go into the image: what Node.js needs and nothing else. */
const runtimePackages = ["libc6", "libgcc-s1", "libstdc++6"];

/**
 * runtimeFiles are what the program needs from outside: Node.js out of the lockfile's package, the shared libraries that it is
 * linked with, and the files that glibc reads to find names. Certificates and time zones are missing on purpose: Node.js has its
 * own, and those of the machine that builds are its owner's business.
 */
export async function runtimeFiles(root: string): Promise<ImageFile[]> {
  const packaged = join(root, "node_modules", `node-linux-${process.arch}`);
  const node = join(packaged, "bin/node");
  await access(node).catch(() => {
    throw new Error(`${node} is missing: run \`npm ci\` on Linux (x64 or arm64), or build the image with \`docker build .\``);
  });
  return [
    { path: places.node, source: node, mode: 0o755 },
    { path: `${places.licences}/node/LICENSE`, source: join(packaged, "LICENSE") },
    ...(await sharedLibraries(node)),
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
  ];
}

async function sharedLibraries(program: string): Promise<ImageFile[]> {
  const libraries = parseLdd(await tool("ldd", [program]));
  const files: ImageFile[] = libraries.map((path) => ({ path, source: path, mode: 0o755 }));
  const packages = new Set(await Promise.all(libraries.map(packageOf)));
  for (const name of packages) {
    if (!runtimePackages.includes(name))
      throw new Error(`${program} needs a library of package ${name}, which the image has not`);
    files.push({ path: `${places.licences}/${name}/copyright`, source: `/usr/share/doc/${name}/copyright` });
  }
  return files;
}

/** parseLdd reads the files that ldd found a program to be linked with. */
export function parseLdd(output: string): string[] {
  const paths = output.split("\n").flatMap((line) => {
    const missing = /^\s*(\S+) => not found/.exec(line);
    if (missing !== null) throw new Error(`${missing[1]} is not installed: apt-get install ${runtimePackages.join(" ")}`);
    const found = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line);
    return found?.[1] === undefined ? [] : [found[1]];
  });
  if (paths.length === 0) throw new Error("ldd named no libraries: is this a program for this machine?");
  return paths;
}

async function packageOf(path: string): Promise<string> {
  // Where /lib is a link to /usr/lib, dpkg knows a file by one of the two names.
  const names = [path, await realpath(path), path.startsWith("/usr/") ? path.slice(4) : `/usr${path}`];
  for (const name of names) {
    // "libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6"
    const found = /^([^:,\s]+)(?::[^:,\s]+)?: /.exec(await tool("dpkg", ["--search", name], "").catch(() => ""));
    if (found?.[1] !== undefined) return found[1];
  }
  throw new Error(`${path} belongs to no Debian package: the image is made of packages only; use \`docker build .\` here`);
}

async function tool(
  name: string,
  args: readonly string[],
  hint = " (npm run image needs Debian or Ubuntu; elsewhere use `docker build .`)",
): Promise<string> {
  try {
    // The image must not depend on how this machine finds libraries, nor on its language.
    const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
    return (await promisify(execFile)(name, args, { env })).stdout;
  } catch (error) {
    throw new Error(`${name} ${args.join(" ")} failed${hint}`, { cause: error });
  }
}
