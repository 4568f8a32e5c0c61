import { readFileSync } from "node:fs";

/** Arch is an architecture of the image, as Node.js and npm call it. */
export type Arch = "x64" | "arm64";

/** architectures are those that the image is made for, with the names that others have for them. */
export const architectures = {
  x64: { oci: "amd64", debian: "amd64" },
  arm64: { oci: "arm64", debian: "arm64" },
} as const satisfies Record<Arch, { readonly oci: string; readonly debian: string }>;

/** isArch tells architectures that there is an image for from others. */
export function isArch(name: string): name is Arch {
  return Object.hasOwn(architectures, name);
}

/** LockedPackage is a Debian package of exactly these bytes. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** The source package that it is built from, for those who want its source. */
  readonly source: string;
  readonly sourceVersion: string;
  readonly architecture: string;
  /** From the root of a Debian mirror. */
  readonly path: string;
  readonly sha256: string;
}

/** DebianLock pins the Debian packages whose files are in the image. */
export interface DebianLock {
  readonly release: { readonly codename: string; readonly version: string };
  /** When these versions were the newest ones, as snapshot.debian.org names its archives. */
  readonly snapshot: string;
  readonly packages: readonly LockedPackage[];
}

/** debianLockFile is written by `npm run image:lock`. */
export const debianLockFile = new URL("debian-lock.json", import.meta.url);

/** debianLock is that file. */
export function debianLock(): DebianLock {
  return JSON.parse(readFileSync(debianLockFile, "utf8")) as DebianLock;
}

/** packagesFor are the locked packages of one architecture. */
export function packagesFor(lock: DebianLock, arch: Arch): readonly LockedPackage[] {
  return lock.packages.filter(({ architecture }) => architecture === architectures[arch].debian);
}
