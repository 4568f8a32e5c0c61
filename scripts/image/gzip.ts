import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Written } from "./tar.ts";

/** gzip compresses a file into one beside it. Its header has neither name nor time, and the zlib is that of the pinned Node.js. */
export async function gzip(path: string, target = `${path}.gz`): Promise<Written> {
  const hash = createHash("sha256");
  let size = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  await pipeline(source, createGzip({ level: 9 }), count, createWriteStream(target));
  return { path: target, digest: `sha256:${hash.digest("hex")}`, size };
}
