import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../test/cluster/run-command.ts";
import { cacheDirectory } from "../../test/cluster/versions.ts";
import type { Arch } from "./lock.ts";

/** NodePackage is Node.js as the lockfile pins it. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's archive, as npm writes it: sha512-... */
  readonly integrity: string;
  /** Holds bin/node and LICENSE. */
  readonly directory: string;
}

/** nodePackage finds Node.js for an architecture: npm installs that of the machine only, so that of another is fetched by npm into scratch. */
export async function nodePackage(root: string, arch: Arch, scratch: string): Promise<NodePackage> {
  const name = `node-linux-${arch}`;
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}: it is an optional dependency`);
  const { version, integrity } = locked;
  const installed = join(root, "node_modules", name);
  if (existsSync(join(installed, "bin/node"))) return { name, version, integrity, directory: installed };

  const archive = await packed(name, version, integrity);
  const directory = join(scratch, name);
  await mkdir(directory, { recursive: true });
  const members = ["package/bin/node", "package/LICENSE"];
  await runCommand("tar", ["-xzf", archive, "-C", directory, "--strip-components=1", ...members]);
  return { name, version, integrity, directory };
}

async function packed(name: string, version: string, integrity: string): Promise<string> {
  const cache = join(cacheDirectory(process.env), "node");
  const file = join(cache, `${name}-${version}.tgz`);
  if (existsSync(file) && (await integrityOf(file)) === integrity) return file;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, ".download-"));
  try {
    await runCommand("npm", ["pack", `${name}@${version}`, "--pack-destination", scratch, "--silent"], { timeoutMs: 600_000 });
    const download = join(scratch, `${name}-${version}.tgz`);
    const found = await integrityOf(download);
    if (found !== integrity) throw new Error(`${name}@${version} is ${found}, and package-lock.json says ${integrity}`);
    await rename(download, file);
    return file;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function integrityOf(file: string): Promise<string> {
  return `sha512-${createHash("sha512")
    .update(await readFile(file))
    .digest("base64")}`;
}
