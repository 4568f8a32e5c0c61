import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { gzip } from "../image/gzip.ts";
import { TarWriter } from "../image/tar.ts";

/**
 * writeChart packs a chart as `helm package` does, but for the clock: helm writes the moment of packing into every entry, so that no
 * two archives of a chart are the same.
 */
export async function writeChart(chart: string, file: string, seconds: number): Promise<void> {
  const entries = await readdir(chart, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(chart, "/").length));
  const tar = `${file}.tar`;
  try {
    const archive = await TarWriter.create(tar, seconds);
    try {
      for (const path of paths.toSorted()) await archive.file(`getabako/${path}`, join(chart, path));
      await archive.finish();
    } catch (error) {
      await archive.abandon();
      throw error;
    }
    await gzip(tar, file);
  } finally {
    await rm(tar, { force: true });
  }
}
