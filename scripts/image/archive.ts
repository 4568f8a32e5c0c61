import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzip } from "./gzip.ts";
import { type Arch, architectures } from "./lock.ts";
import type { ImageFile } from "./runtime-files.ts";
import { TarWriter, type Written } from "./tar.ts";

/** ImageArchive is an image in a file. */
export interface ImageArchive {
  readonly file: string;
  /** With host part and tag: localhost/getabako:1.2.3. */
  readonly name: string;
  /** What `image.digest` of the chart takes: that of the index where there is more than one platform, else of the manifest. */
  readonly digest: string;
  readonly bytes: number;
  readonly platforms: readonly ImagePlatform[];
}

/** ImagePlatform is the image of one platform. */
export interface ImagePlatform {
  /** linux/amd64 */
  readonly platform: string;
  readonly digest: string;
  /** Of all layers, as a registry keeps them. */
  readonly layerBytes: number;
}

/** Layer is one layer of an image. */
export interface Layer {
  readonly comment: string;
  readonly files: readonly ImageFile[];
}

/** ImageOptions describe an image. */
export interface ImageOptions {
  readonly file: string;
  readonly name: string;
  /** Bottom first: what changes rarely goes below what changes often. */
  readonly platforms: readonly { readonly arch: Arch; readonly layers: readonly Layer[] }[];
  /** The container defaults: Entrypoint, User, Labels ... */
  readonly config: Readonly<Record<string, unknown>>;
  /** When it was made, in seconds. Files are from the beginning of time all the same, so that releases share layers. */
  readonly createdSeconds: number;
  /** Layers as registries want them; without, as quick to make as can be. */
  readonly compress: boolean;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

type Document = Blob & { readonly content: string };
type LayerBlob = Blob & { readonly path: string; readonly diffId: string };

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/**
 * writeImage writes an image as one tar. For one platform it is both an OCI layout and a docker-archive, as `docker save` makes them:
 * containerd, kind, podman, skopeo and Docker take it. For more than one it is an OCI layout. Needs no container engine; the same input
 * gives the same bytes.
 */
export async function writeImage(options: ImageOptions): Promise<ImageArchive> {
  const { file, name } = options;
  const scratch = await mkdtemp(join(dirname(file), ".image-"));
  try {
    const images: PlatformImage[] = [];
    for (const platform of options.platforms) images.push(await platformImage(platform, options, scratch));
    const [first] = images;
    if (first === undefined) throw new Error("an image needs a platform");
    const index = images.length === 1 ? undefined : document(types.index, indexOf(images.map(({ entry }) => entry)));
    const top = index === undefined ? first.entry : descriptor(index);
    const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.split(":").at(-1) };

    const archive = await TarWriter.create(file);
    try {
      await archive.content("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
      await archive.content("index.json", JSON.stringify(indexOf([{ ...top, annotations }])));
      if (index === undefined) {
        const docker = { Config: blobPath(first.config), RepoTags: [name], Layers: first.layers.map(blobPath) };
        await archive.content("manifest.json", JSON.stringify([docker]));
      }
      const documents = [
        ...(index === undefined ? [] : [index]),
        ...images.flatMap(({ manifest, config }) => [manifest, config]),
      ];
      for (const each of documents) await archive.content(blobPath(each), each.content);
      // The program's layer is the same for every platform.
      const layers = new Map(images.flatMap((image) => image.layers).map((layer) => [layer.digest, layer]));
      for (const layer of layers.values()) await archive.file(blobPath(layer), layer.path);
      const { size } = await archive.finish();
      const platforms = images.map(({ entry, layers: own }) => ({
        platform: `${entry.platform.os}/${entry.platform.architecture}`,
        digest: entry.digest,
        layerBytes: own.reduce((sum, layer) => sum + layer.size, 0),
      }));
      return { file, name, digest: top.digest, bytes: size, platforms };
    } catch (error) {
      await archive.abandon();
      throw error;
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface PlatformImage {
  readonly entry: Blob & { readonly platform: { readonly architecture: string; readonly os: string } };
  readonly manifest: Document;
  readonly config: Document;
  readonly layers: readonly LayerBlob[];
}

async function platformImage(
  { arch, layers }: ImageOptions["platforms"][number],
  { config, createdSeconds, compress }: ImageOptions,
  scratch: string,
): Promise<PlatformImage> {
  const blobs: LayerBlob[] = [];
  for (const [index, { files }] of layers.entries()) {
    const written = await writeLayer(join(scratch, `${arch}-${index}.tar`), files);
    const blob = compress ? await gzip(written.path) : written;
    blobs.push({ ...blob, mediaType: compress ? `${types.layer}+gzip` : types.layer, diffId: written.digest });
  }
  const created = new Date(createdSeconds * 1_000).toISOString().replace(".000Z", "Z");
  const platform = { architecture: architectures[arch].oci, os: "linux" };
  const imageConfig = document(types.config, {
    created,
    ...platform,
    config,
    rootfs: { type: "layers", diff_ids: blobs.map(({ diffId }) => diffId) },
    history: layers.map(({ comment }) => ({ created, created_by: "npm run image", comment })),
  });
  const manifest = document(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(imageConfig),
    layers: blobs.map(descriptor),
  });
  return { entry: { ...descriptor(manifest), platform }, manifest, config: imageConfig, layers: blobs };
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

function indexOf(manifests: readonly unknown[]): Readonly<Record<string, unknown>> {
  return { schemaVersion: 2, mediaType: types.index, manifests };
}

function document(mediaType: string, value: unknown): Document {
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
