import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tryCommand, runCommand } from "../../test/cluster/run-command.ts";
import { cacheDirectory } from "../../test/cluster/versions.ts";
import type { DebianLock, LockedPackage } from "./lock.ts";

/** DownloadOptions are for tests and for those who have a mirror of their own. */
export interface DownloadOptions {
  /** Roots of mirrors, in the order in which they are asked. */
  readonly mirrors: readonly string[];
  /** Where verified packages are kept. */
  readonly cache: string;
  readonly transport: Transport;
}

/** Transport downloads a file, or rejects. */
export type Transport = (url: string, file: string) => Promise<void>;

const aptHelper = "/usr/lib/apt/apt-helper";

/** aptTransport is the machine's own way to Debian, with its proxies. */
export const aptTransport: Transport = async (url, file) => {
  const { code, stderr } = await tryCommand(aptHelper, ["download-file", url, file]);
  if (code !== 0) throw new Error(/^E: (.*)$/m.exec(stderr)?.[1] ?? `apt-helper ended with ${code}`);
};

/** fetchTransport is for machines without apt. */
export const fetchTransport: Transport = async (url, file) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  await writeFile(file, await response.bytes());
};

/** downloadOptions: Debian's mirror, then its archive, which keeps what the mirror has replaced by something newer. */
export function downloadOptions({ snapshot }: DebianLock, env: NodeJS.ProcessEnv = process.env): DownloadOptions {
  const own = env["GETABAKO_DEBIAN_MIRROR"];
  return {
    mirrors:
      own === undefined || own === ""
        ? [
            "http://deb.debian.org/debian",
            "http://deb.debian.org/debian-security",
            `http://snapshot.debian.org/archive/debian/${snapshot}`,
            `http://snapshot.debian.org/archive/debian-security/${snapshot}`,
          ]
        : [own],
    cache: join(cacheDirectory(env), "debian"),
    transport: existsSync(aptHelper) ? aptTransport : fetchTransport,
  };
}

/** debFile is the file of a locked package: exactly those bytes, from the cache or from a mirror. */
export async function debFile(locked: LockedPackage, { mirrors, cache, transport }: DownloadOptions): Promise<string> {
  const file = join(cache, `${locked.sha256}.deb`);
  // What a cache holds is no more trusted than what a mirror sends.
  if (existsSync(file) && (await sha256(file)) === locked.sha256) return file;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, ".download-"));
  try {
    const problems: string[] = [];
    for (const mirror of mirrors) {
      const [url, download] = [`${mirror}/${locked.path}`, join(scratch, "package.deb")];
      try {
        // A plus in a path means a space to some servers.
        await transport(url.replaceAll("+", "%2B"), download);
        const digest = await sha256(download);
        if (digest !== locked.sha256) throw new Error(`its digest is ${digest}, and debian-lock.json says ${locked.sha256}`);
        await rename(download, file);
        return file;
      } catch (error) {
        problems.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
        await rm(download, { force: true });
      }
    }
    throw new Error(
      `${locked.name} ${locked.version} is not to be had; GETABAKO_DEBIAN_MIRROR names another mirror:\n  ${problems.join("\n  ")}`,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** unpackDebs unpacks packages over each other into a directory, as dpkg would, and their control files into DEBIAN/NAME. */
export async function unpackDebs(packages: readonly LockedPackage[], directory: string, options: DownloadOptions): Promise<void> {
  const files = await Promise.all(packages.map((locked) => debFile(locked, options)));
  for (const [index, file] of files.entries()) {
    await mkdir(join(directory, "DEBIAN"), { recursive: true });
    await dpkgDeb(["--extract", file, directory]);
    await dpkgDeb(["--control", file, join(directory, "DEBIAN", packages[index]?.name ?? "")]);
  }
}

async function dpkgDeb(args: readonly string[]): Promise<void> {
  try {
    await runCommand("dpkg-deb", args);
  } catch (error) {
    throw new Error("dpkg-deb failed: npm run image needs the package dpkg; without it use `docker build .`", { cause: error });
  }
}

async function sha256(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}
