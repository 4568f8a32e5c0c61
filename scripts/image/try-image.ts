import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { user } from "./runtime-files.ts";

/** Unpacked is an image's root file system in a directory. */
export interface Unpacked {
  readonly directory: string;
  readonly config: { readonly Entrypoint: readonly string[]; readonly User: string; readonly [key: string]: unknown };
  remove(): Promise<void>;
}

const run = promisify(execFile);
const systemPath = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

interface Index {
  readonly manifests: readonly { readonly digest: string; readonly platform?: { readonly architecture: string } }[];
}

/** unpack makes the root file system of one platform of an archive, layer upon layer. */
export async function unpack(archive: string, architecture: string): Promise<Unpacked> {
  const scratch = await mkdtemp(join(tmpdir(), "getabako-image-"));
  const remove = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    const [blobs, directory] = [join(scratch, "archive"), join(scratch, "root")];
    await mkdir(blobs);
    await mkdir(directory);
    await run("tar", ["-xf", archive, "-C", blobs]);
    const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(blobs, path), "utf8"));
    const blob = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
    let index = (await read("index.json")) as Index;
    const only = index.manifests[0];
    // An image for more than one platform is an index in the index.
    if (only !== undefined && only.platform === undefined) index = (await read(blob(only.digest))) as Index;
    const found = index.manifests.find(({ platform }) => platform?.architecture === architecture);
    if (found === undefined) throw new Error(`${archive} holds no image for ${architecture}`);
    const manifest = (await read(blob(found.digest))) as { config: { digest: string }; layers: { digest: string }[] };
    for (const { digest } of manifest.layers) {
      await run("tar", ["-xf", join(blobs, blob(digest)), "-C", directory, "--no-same-owner"]);
    }
    const { config } = (await read(blob(manifest.config.digest))) as { config: Unpacked["config"] };
    await rm(blobs, { recursive: true });
    return { directory, config, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** whyNotTried says why this machine cannot run a command inside an unpacked image; undefined where it can. */
export async function whyNotTried(): Promise<string | undefined> {
  if (process.getuid?.() === 0) return undefined;
  try {
    await run("unshare", ["--map-root-user", "true"], { env: systemPath });
    return undefined;
  } catch {
    return "it takes root, or a kernel that lets users have namespaces";
  }
}

/** inRoot runs a command with nothing but an unpacked image around it, as the image's user where this process is root. */
export async function inRoot({ directory }: Unpacked, command: readonly string[]): Promise<string> {
  const [program, ...args] =
    process.getuid?.() === 0
      ? ["chroot", `--userspec=${user}:${user}`, directory, ...command]
      : ["unshare", "--map-root-user", "chroot", directory, ...command];
  const { stdout } = await run(program as string, args, { env: systemPath, timeout: 30_000 });
  return stdout;
}
