import { createHash } from "node:crypto";
import type { Arch, DebianLock } from "../image/lock.ts";
import type { BundledPackage } from "../third-party/bundled-packages.ts";

/** SbomInput is what the image is made of. */
export interface SbomInput {
  readonly version: string;
  readonly licence: string;
  readonly commit: string;
  readonly seconds: number;
  readonly packages: readonly BundledPackage[];
  /** Digests of the packages, as the lockfile has them, by directory: sha512-... */
  readonly integrity: Readonly<Record<string, string | undefined>>;
  readonly node: NodeParts;
  readonly debian: DebianLock;
}

/** NodeParts are Node.js and what is linked into it. */
export interface NodeParts {
  readonly version: string;
  /** Integrity of the npm package for each architecture. */
  readonly builds: readonly { readonly arch: Arch; readonly integrity: string }[];
  /** As process.versions has them. */
  readonly versions: Readonly<Record<string, string | undefined>>;
}

/** Component is an entry of a CycloneDX document, as far as it is used here. */
export interface Component {
  readonly "bom-ref": string;
  readonly type: "application" | "container" | "library" | "operating-system";
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

/** Sbom is a CycloneDX document, as far as it is used here. */
export interface Sbom {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly components: readonly Component[];
  readonly [field: string]: unknown;
}

/** Numbers of interfaces, and Node.js itself: no parts of it. */
const noParts = new Set(["node", "modules", "napi"]);

/**
 * sbom is the bill of materials of the image in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): what is in it, and not what built it.
 * The same input gives the same document.
 */
export function sbom(input: SbomInput): Sbom {
  const { version, licence, commit, seconds, debian } = input;
  const root: Component = {
    type: "container",
    "bom-ref": `getabako@${version}`,
    name: "getabako",
    version,
    licenses: [{ expression: licence }],
    properties: [{ name: "getabako:commit", value: commit }],
  };
  const node = nodeComponent(input.node);
  const system: Component = {
    type: "operating-system",
    "bom-ref": `debian@${debian.release.version}`,
    name: "debian",
    version: debian.release.version,
  };
  const components = [
    ...input.packages.map((each) => npmComponent(each, input.integrity)),
    node,
    system,
    ...debianComponents(debian),
  ];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(`getabako ${version} ${commit}`)}`,
    version: 1,
    metadata: { timestamp: new Date(seconds * 1_000).toISOString(), component: root },
    components,
    dependencies: [{ ref: root["bom-ref"], dependsOn: components.map((each) => each["bom-ref"]) }],
  };
}

function npmComponent(
  { name, version, directory, licence, homepage }: BundledPackage,
  integrity: SbomInput["integrity"],
): Component {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`;
  const digest = integrity[directory];
  return {
    type: "library",
    // Two copies of one version may be in a bundle.
    "bom-ref": directory,
    name,
    version,
    purl,
    licenses: [{ expression: licence ?? "NOASSERTION" }],
    ...(digest === undefined ? {} : { hashes: [npmHash(digest)] }),
    ...(homepage === undefined ? {} : { externalReferences: [{ type: "website", url: homepage }] }),
  };
}

function nodeComponent({ version, builds, versions }: NodeParts): Component {
  const library = (name: string, value: string): Component => ({
    type: "library",
    "bom-ref": `node@${version}/${name}`,
    name,
    version: value,
    purl: `pkg:generic/${name}@${encodeURIComponent(value)}`,
  });
  return {
    type: "application",
    "bom-ref": `node@${version}`,
    name: "node",
    version,
    purl: `pkg:generic/node@${version}`,
    // Scanners know Node.js by this name.
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: [{ expression: "MIT" }],
    components: [
      ...builds.map(({ arch, integrity }) => ({
        type: "application" as const,
        "bom-ref": `node-linux-${arch}@${version}`,
        name: `node-linux-${arch}`,
        version,
        purl: `pkg:npm/node-linux-${arch}@${version}`,
        hashes: [npmHash(integrity)],
      })),
      ...Object.entries(versions)
        .filter(([name, value]) => !noParts.has(name) && value !== undefined && value !== "")
        .map(([name, value]) => library(name, value ?? "")),
    ],
  };
}

function debianComponents({ release, packages }: DebianLock): Component[] {
  return packages.map(({ name, version, source, sourceVersion, architecture, sha256 }) => {
    const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-${release.version}`;
    return {
      type: "library",
      "bom-ref": purl,
      name,
      version,
      purl,
      supplier: { name: "Debian" },
      hashes: [{ alg: "SHA-256", content: sha256 }],
      properties: [{ name: "getabako:source", value: `${source} ${sourceVersion}` }],
    };
  });
}

/** npmHash is a digest as npm writes it, in CycloneDX' way. */
function npmHash(integrity: string): { alg: string; content: string } {
  const [, digest] = /^sha512-([A-Za-z0-9+/=]+)$/.exec(integrity) ?? [];
  if (digest === undefined) throw new Error(`${integrity} is no sha512 of npm`);
  return { alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") };
}

/** A UUID of our own making (version 8 of RFC 9562): one release has one serial number, however often it is built. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
