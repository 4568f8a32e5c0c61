import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** Written is a finished file: what registries and manifests say of it. */
export interface Written {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

const blockSize = 512;

/**
 * TarWriter writes a POSIX ustar archive of root's files, all of one moment, so that the same content in the same order gives the same
 * bytes.
 */
export class TarWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");
  #size = 0;

  readonly #mtime: number;

  private constructor(path: string, file: FileHandle, mtime: number) {
    this.#path = path;
    this.#file = file;
    this.#mtime = mtime;
  }

  /** create begins an archive of files from the beginning of time, or another second of it. */
  static async create(path: string, mtimeSeconds = 0): Promise<TarWriter> {
    return new TarWriter(path, await open(path, "w"), mtimeSeconds);
  }

  /** directory adds a directory; archives without them leave it to the unpacker who may enter. */
  async directory(path: string, mode = 0o755): Promise<void> {
    await this.#header({ path: `${path}/`, mode, size: 0, type: "5" });
  }

  /** content adds a file. */
  async content(path: string, content: Buffer | string, mode = 0o644): Promise<void> {
    const bytes = Buffer.from(content);
    await this.#header({ path, mode, size: bytes.length, type: "0" });
    await this.#write(bytes);
    await this.#pad(bytes.length);
  }

  /** file adds a file of this machine; links are followed. */
  async file(path: string, source: string, mode = 0o644): Promise<void> {
    const input = await open(source);
    try {
      const { size } = await input.stat();
      await this.#header({ path, mode, size, type: "0" });
      let copied = 0;
      for await (const chunk of input.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
        copied += (chunk as Buffer).length;
        await this.#write(chunk as Buffer);
      }
      if (copied !== size) throw new Error(`${source} changed while it was read`);
      await this.#pad(size);
    } finally {
      await input.close();
    }
  }

  /** finish ends the archive. */
  async finish(): Promise<Written> {
    // Two empty blocks end an archive.
    await this.#write(Buffer.alloc(2 * blockSize));
    await this.#file.close();
    return { path: this.#path, digest: `sha256:${this.#hash.digest("hex")}`, size: this.#size };
  }

  /** abandon closes the file of an archive that was not finished. */
  async abandon(): Promise<void> {
    await this.#file.close();
  }

  async #header(entry: Entry): Promise<void> {
    await this.#write(header(entry, this.#mtime));
  }

  async #pad(size: number): Promise<void> {
    await this.#write(Buffer.alloc((blockSize - (size % blockSize)) % blockSize));
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#hash.update(bytes);
    this.#size += bytes.length;
    await this.#file.writeFile(bytes);
  }
}

interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
}

function header({ path, mode, size, type }: Entry, mtime: number): Buffer {
  const [prefix, name] = split(path);
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), offset);
  };
  block.write(name, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  block.write(type, 156);
  block.write("ustar\u000000", 257);
  block.write(prefix, 345);
  // The sum is taken with eight spaces in its own place.
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** A path of more than 100 bytes is cut at a slash into a prefix of at most 155 and a name. */
function split(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ["", path];
  for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)];
    if (name !== "" && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return [prefix, name];
  }
  throw new RangeError(`${path} is too long for a tar header`);
}
