import { createHash } from "node:crypto";

/** BucketOptions describe one bucket. */
export interface BucketOptions {
  readonly name: string;
  /** The simulator's own, if absent. */
  readonly region?: string;
  /** Whether what is overwritten or removed is kept. */
  readonly versioned?: boolean;
}

/** StoredObject is one object, or one version of it. */
export interface StoredObject {
  readonly key: string;
  readonly body: string;
  readonly etag: string;
  readonly contentType: string | undefined;
  /** As the request named it; without one the bucket's own applies. */
  readonly encryption: { readonly algorithm: string; readonly kmsKeyId: string | undefined } | undefined;
  readonly putAt: number;
  readonly versionId: string | undefined;
}

/** Bucket holds objects by key. */
export class Bucket {
  readonly name: string;
  readonly region: string;
  readonly versioned: boolean;
  readonly #objects = new Map<string, StoredObject>();
  readonly #old: StoredObject[] = [];

  constructor(options: BucketOptions, region: string) {
    this.name = options.name;
    this.region = options.region ?? region;
    this.versioned = options.versioned ?? false;
  }

  put(object: Omit<StoredObject, "etag" | "versionId">): StoredObject {
    this.#retire(object.key);
    const stored = {
      ...object,
      etag: `"${createHash("md5").update(object.body).digest("hex")}"`,
      versionId: this.versioned ? crypto.randomUUID().replaceAll("-", "") : undefined,
    };
    this.#objects.set(object.key, stored);
    return stored;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  delete(key: string): void {
    this.#retire(key);
    this.#objects.delete(key);
  }

  /** Objects in the order of their keys, as S3 lists them. */
  list(prefix = ""): readonly StoredObject[] {
    return [...this.#objects.values()].filter(({ key }) => key.startsWith(prefix)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Versions that a versioned bucket still holds although nothing lists them. */
  oldVersions(): readonly StoredObject[] {
    return this.#old;
  }

  clear(): void {
    this.#objects.clear();
    this.#old.length = 0;
  }

  #retire(key: string): void {
    const current = this.#objects.get(key);
    if (this.versioned && current !== undefined) this.#old.push(current);
  }
}
