import { type Clock, systemClock } from "../../../src/util/clock.ts";
import { readEnvironmentFile } from "./environment-file.ts";
import { S3Faults, type S3Operation } from "./faults.ts";
import { checkPut, type S3Request } from "./request.ts";
import { escaped, S3Error, xml } from "./s3-error.ts";
import { Bucket, type BucketOptions, type StoredObject } from "./store.ts";

/** S3SimOptions describe the simulated account. */
export interface S3SimOptions {
  /** `us-east-1`, if absent; calls signed for another one are refused. */
  readonly region?: string;
  /** One, `handover`, if absent. */
  readonly buckets?: readonly BucketOptions[];
  /** KMS keys that exist; without them every well-formed one does. */
  readonly kmsKeys?: readonly string[];
  readonly clock?: Clock;
}

/** S3Call is one request as the simulator saw it; bodies are in the objects. */
export interface S3Call {
  readonly operation: S3Operation;
  readonly bucket: string;
  readonly key: string;
  readonly accessKeyId: string;
  /** `pending`, `ok`, the error's code, `cut` or `html`. */
  outcome: string;
}

/** S3Reply is what goes out. */
export interface S3Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** S3Sim is a simulated S3 of one Region: objects in buckets, for what hands over environment files. Made by startS3Sim. */
export class S3Sim {
  readonly region: string;
  readonly faults = new S3Faults();
  readonly calls: S3Call[] = [];
  /** Requests that S3 would not have accepted from anybody; a test of the product ends by expecting none. */
  readonly violations: string[] = [];
  readonly #clock: Clock;
  readonly #buckets: ReadonlyMap<string, Bucket>;
  readonly #kmsKeys: readonly string[] | undefined;
  #url = "";
  #closeServer: () => Promise<void> = () => Promise.resolve();

  constructor(options: S3SimOptions) {
    this.region = options.region ?? "us-east-1";
    this.#clock = options.clock ?? systemClock;
    this.#kmsKeys = options.kmsKeys;
    const buckets = options.buckets ?? [{ name: "handover" }];
    this.#buckets = new Map(buckets.map((bucket) => [bucket.name, new Bucket(bucket, this.region)]));
  }

  /** Where the service is reached, buckets in the path. */
  get url(): string {
    return this.#url;
  }

  bucket(name = "handover"): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new Error(`the S3 simulator has no bucket ${name}`);
    return bucket;
  }

  /** Keys of a bucket, in order. */
  keys(bucket?: string): readonly string[] {
    return this.bucket(bucket)
      .list()
      .map(({ key }) => key);
  }

  count(operation: S3Operation): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  /** Reads an environment file as the ECS agent does, with an execution role that may; for the ECS simulator. */
  readonly readEnvironmentFile = (arn: string): Promise<string> =>
    readEnvironmentFile(arn, (bucket, key) => this.#buckets.get(bucket)?.get(key));

  async close(): Promise<void> {
    this.faults.clear();
    await this.#closeServer();
  }

  /** For the server, once it listens. */
  listening(url: string, closeServer: () => Promise<void>): void {
    this.#url = url;
    this.#closeServer = closeServer;
  }

  /** For the server. */
  answer(request: S3Request): S3Reply {
    switch (request.operation) {
      case "ListBuckets":
        return { status: 200, body: this.#listBuckets() };
      case "ListObjectsV2":
        return { status: 200, body: listObjects(this.#find(request), request.query.get("prefix") ?? "") };
      case "PutObject":
        return this.#put(request);
      case "DeleteObject":
        this.#find(request).delete(request.key);
        return { status: 204 };
      case "GetObject":
      case "HeadObject":
        return get(this.#find(request), request.key);
      default:
        return request.operation satisfies never;
    }
  }

  #put(request: S3Request): S3Reply {
    const bucket = this.#find(request);
    checkPut(request);
    const algorithm = request.header("x-amz-server-side-encryption");
    const kmsKeyId = request.header("x-amz-server-side-encryption-aws-kms-key-id");
    if (kmsKeyId !== undefined && this.#kmsKeys?.includes(kmsKeyId) === false) {
      throw new S3Error("KMS.NotFoundException", 400, `Key '${kmsKeyId}' does not exist`);
    }
    const object = bucket.put({
      key: request.key,
      body: request.body.toString("utf8"),
      contentType: request.header("content-type"),
      encryption: algorithm === undefined ? undefined : { algorithm, kmsKeyId },
      putAt: this.#clock.now(),
    });
    return { status: 200, headers: headersOf(object) };
  }

  #find({ bucket: name }: S3Request): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      throw new S3Error("NoSuchBucket", 404, "The specified bucket does not exist", { fields: { BucketName: name } });
    }
    if (bucket.region !== this.region) {
      const message =
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
      throw new S3Error("PermanentRedirect", 301, message, {
        fields: { Bucket: name, Endpoint: `${name}.s3.${bucket.region}.amazonaws.com` },
        headers: { "x-amz-bucket-region": bucket.region },
      });
    }
    return bucket;
  }

  #listBuckets(): string {
    const buckets = [...this.#buckets.keys()].map((name) => xml("Bucket", xml("Name", name)));
    return xml("ListAllMyBucketsResult", xml("Buckets", ...buckets));
  }
}

function get(bucket: Bucket, key: string): S3Reply {
  const object = bucket.get(key);
  if (object === undefined) throw new S3Error("NoSuchKey", 404, "The specified key does not exist.", { fields: { Key: key } });
  return {
    status: 200,
    headers: { ...headersOf(object), "content-type": object.contentType ?? "binary/octet-stream" },
    body: object.body,
  };
}

function headersOf({ etag, versionId, encryption }: StoredObject): Record<string, string> {
  return {
    etag,
    ...(versionId !== undefined && { "x-amz-version-id": versionId }),
    "x-amz-server-side-encryption": encryption?.algorithm ?? "AES256",
    ...(encryption?.kmsKeyId !== undefined && { "x-amz-server-side-encryption-aws-kms-key-id": encryption.kmsKeyId }),
  };
}

function listObjects(bucket: Bucket, prefix: string): string {
  const objects = bucket.list(prefix);
  const contents = objects.map(({ key, etag, body }) =>
    xml("Contents", xml("Key", escaped(key)), xml("ETag", escaped(etag)), xml("Size", String(Buffer.byteLength(body)))),
  );
  return xml(
    "ListBucketResult",
    xml("Name", bucket.name),
    xml("Prefix", escaped(prefix)),
    xml("KeyCount", String(objects.length)),
    xml("IsTruncated", "false"),
    ...contents,
  );
}
