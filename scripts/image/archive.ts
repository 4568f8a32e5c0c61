import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageFile } from "./runtime-files.ts";
import { TarWriter, type Written } from "./tar.ts";

/** ImageArchive is an image in a file. */
export interface ImageArchive {
  readonly file: string;
  /** With host part and tag: localhost/getabako:0.1.0. */
  readonly name: string;
  /** Digest of the manifest: what `image.digest` of the chart takes. */
  readonly digest: string;
  readonly bytes: number;
}

/** ImageOptions describe an image. */
export interface ImageOptions {
  readonly file: string;
  readonly name: string;
  /** Bottom first: what changes rarely goes below what changes often. */
  readonly layers: readonly { readonly comment: string; readonly files: readonly ImageFile[] }[];
  /** The container defaults: Entrypoint, User, Labels ... */
  readonly config: Readonly<Record<string, unknown>>;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** No clock may show in the bytes. */
const created = "1970-01-01T00:00:00Z";

/**
 * writeImage writes an image as one tar that is both an OCI layout and a docker-archive, as `docker save` does: containerd, kind,
 * podman, skopeo and Docker take it. Needs no container engine; the same input gives the same bytes.
 */
export async function writeImage({ file, name, layers, config }: ImageOptions): Promise<ImageArchive> {
  const scratch = await mkdtemp(join(dirname(file), ".image-"));
  try {
    const written: Written[] = [];
    for (const [index, { files }] of layers.entries()) written.push(await writeLayer(join(scratch, `layer-${index}.tar`), files));
    const imageConfig = json("application/vnd.oci.image.config.v1+json", {
      created,
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: written.map(({ digest }) => digest) },
      history: layers.map(({ comment }) => ({ created, created_by: "npm run image", comment })),
    });
    const layerBlobs = written.map(({ digest, size }) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size }));
    const manifest = json("application/vnd.oci.image.manifest.v1+json", {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: descriptor(imageConfig),
      layers: layerBlobs,
    });

    const archive = await TarWriter.create(file);
    try {
      const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.split(":").at(-1) };
      await archive.content("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
      await archive.content(
        "index.json",
        JSON.stringify({
          schemaVersion: 2,
          mediaType: "application/vnd.oci.image.index.v1+json",
          manifests: [{ ...descriptor(manifest), annotations }],
        }),
      );
      await archive.content(
        "manifest.json",
        JSON.stringify([{ Config: blobPath(imageConfig), RepoTags: [name], Layers: layerBlobs.map(blobPath) }]),
      );
      for (const blob of [manifest, imageConfig]) await archive.content(blobPath(blob), blob.content);
      for (const layer of written) await archive.file(blobPath(layer), layer.path);
      const { size } = await archive.finish();
      return { file, name, digest: manifest.digest, bytes: size };
    } catch (error) {
      await archive.abandon();
      throw error;
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function writeLayer(path: string, files: readonly ImageFile[]): Promise<Written> {
  const layer = await TarWriter.create(path);
  try {
    const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const made = new Set<string>();
    for (const entry of sorted) {
      const name = entry.path.replace(/^\/+/, "");
      for (const parent of parents(name)) {
        if (made.has(parent)) continue;
        made.add(parent);
        await layer.directory(parent);
      }
      if ("source" in entry) await layer.file(name, entry.source, entry.mode);
      else await layer.content(name, entry.content, entry.mode);
    }
    return await layer.finish();
  } catch (error) {
    await layer.abandon();
    throw error;
  }
}

function parents(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function json(mediaType: string, value: unknown): Blob & { readonly content: string } {
  const content = JSON.stringify(value);
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  return { mediaType, digest, size: Buffer.byteLength(content), content };
}

function descriptor({ mediaType, digest, size }: Blob): Blob {
  return { mediaType, digest, size };
}

function blobPath({ digest }: { readonly digest: string }): string {
  return `blobs/${digest.replace(":", "/")}`;
}
