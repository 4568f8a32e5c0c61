import { readFile } from "node:fs/promises";

/** Linked is what a program or library needs to be loaded. */
export interface Linked {
  /** The loader's path, of programs only. */
  readonly interpreter?: string;
  /** Names of shared libraries: libc.so.6. */
  readonly needed: readonly string[];
}

// The few numbers of the System V ABI (gabi, chapters 4 and 5) that it takes; `ldd` would do, but only for the machine it runs on.
const segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { end: 0, needed: 1, stringTable: 5 } as const;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** readElf reads the dynamic section of a 64-bit little-endian ELF file, of whatever machine. */
export async function readElf(path: string): Promise<Linked> {
  const bytes = await readFile(path);
  if (bytes.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") throw new Error(`${path} is no 64-bit little-endian ELF file`);
  const segments = programHeaders(bytes);
  const ofType = (type: number): Segment | undefined => segments.find((each) => each.type === type);
  const interpreter = ofType(segment.interpreter);
  const dynamic = ofType(segment.dynamic);
  if (dynamic === undefined) return { needed: [] };

  const entries = dynamicEntries(bytes, dynamic);
  const table = entries.find((entry) => entry.tag === tag.stringTable);
  if (table === undefined) throw new Error(`${path} has no table of strings`);
  const strings = fileOffset(segments, table.value, path);
  return {
    ...(interpreter === undefined ? {} : { interpreter: text(bytes, interpreter.offset) }),
    needed: entries.filter((entry) => entry.tag === tag.needed).map(({ value }) => text(bytes, strings + value)),
  };
}

function programHeaders(bytes: Buffer): Segment[] {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size;
    return {
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
    };
  });
}

function dynamicEntries(bytes: Buffer, { offset, size }: Segment): { tag: number; value: number }[] {
  const entries = Array.from({ length: size / 16 }, (_, index) => ({
    tag: Number(bytes.readBigInt64LE(offset + index * 16)),
    value: Number(bytes.readBigUInt64LE(offset + index * 16 + 8)),
  }));
  return entries.slice(
    0,
    entries.findIndex((entry) => entry.tag === tag.end),
  );
}

/** The dynamic section speaks of addresses in memory. */
function fileOffset(segments: readonly Segment[], address: number, path: string): number {
  const home = segments.find(
    (each) => each.type === segment.load && address >= each.address && address < each.address + each.size,
  );
  if (home === undefined) throw new Error(`${path} has no segment at ${address}`);
  return address - home.address + home.offset;
}

function text(bytes: Buffer, offset: number): string {
  return bytes.toString("utf8", offset, bytes.indexOf(0, offset));
}
