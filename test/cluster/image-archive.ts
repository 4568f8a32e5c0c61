import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

/** ArchivedFile is one file of an image: its path in the image and where its content comes from. */
export interface ArchivedFile {
  readonly path: string;
  /** A file of this machine. */
  readonly source: string;
  readonly mode: number;
}

/** ImageArchive describes an image of one layer. */
export interface ImageArchive {
  /** The archive to write. */
  readonly file: string;
  /** With a host part and a tag that is not `latest`: localhost/pause:1. */
  readonly name: string;
  readonly files: readonly ArchivedFile[];
  /** The container defaults of the image: Entrypoint, User, Env. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * writeImageArchive writes a docker-archive, which containerd and kind import, with no container tool at hand. The same
 * input gives the same bytes.
 */
export async function writeImageArchive({ file, name, files, config }: ImageArchive): Promise<void> {
  const entries = await Promise.all(
    files.map(async ({ path, source, mode }) => ({ path, mode, content: await readFile(source) })),
  );
  const layer = tar(entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
  const image = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
  };
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  await writeFile(
    file,
    tar([
      { path: "manifest.json", mode: 0o644, content: json(manifest) },
      { path: "config.json", mode: 0o644, content: json(image) },
      { path: "layer.tar", mode: 0o644, content: layer },
    ]),
  );
}

const blockSize = 512;

/** tar packs files as POSIX ustar: root's, and from the beginning of time. */
export function tar(entries: readonly { path: string; mode: number; content: Buffer }[]): Buffer {
  const parts = entries.flatMap(({ path, mode, content }) => {
    const padding = Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize);
    return [header(path, mode, content.length), content, padding];
  });
  // Two empty blocks end an archive.
  return Buffer.concat([...parts, Buffer.alloc(2 * blockSize)]);
}

function header(path: string, mode: number, size: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path}: more than 100 bytes do not fit into a tar header`);
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, length: number): string => value.toString(8).padStart(length - 1, "0");
  block.write(path, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)}\0 `, 148);
  return block;
}
