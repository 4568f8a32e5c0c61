import { crc32 } from "node:zlib";
import { credentialScope } from "../ecs/wire.ts";
import type { S3Operation } from "./faults.ts";
import { S3Error } from "./s3-error.ts";

/** S3Request is one request with its bucket in the path. */
export interface S3Request {
  readonly operation: S3Operation;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
  readonly accessKeyId: string;
}

/** parseRequest tells what a request asks for. */
export function parseRequest(
  method: string,
  url: URL,
  header: (name: string) => string | undefined,
  body: Buffer,
): Omit<S3Request, "accessKeyId"> {
  const [, bucket = "", ...rest] = decodeURIComponent(url.pathname).split("/");
  const key = rest.join("/");
  const operation = operationOf(method, bucket, key, url.searchParams);
  if (operation === undefined) {
    throw new S3Error("NotImplemented", 501, `The simulator does not do ${method} ${url.pathname}${url.search}.`, {
      violation: true,
    });
  }
  return { operation, bucket, key, query: url.searchParams, header, body };
}

/** Parameters of an SDK and of signed addresses; any other sub-resource would be another operation. */
const harmless = new Set(["x-id", "list-type", "prefix", "delimiter", "encoding-type", "max-keys"]);

function operationOf(method: string, bucket: string, key: string, query: URLSearchParams): S3Operation | undefined {
  if ([...query.keys()].some((name) => !harmless.has(name))) return undefined;
  if (key === "") return method === "GET" ? (bucket === "" ? "ListBuckets" : "ListObjectsV2") : undefined;
  const operations: Record<string, S3Operation> = {
    PUT: "PutObject",
    GET: "GetObject",
    HEAD: "HeadObject",
    DELETE: "DeleteObject",
  };
  return operations[method];
}

/** authenticate reads the signature's scope, and refuses one of another Region as S3 does. The signature itself is not verified. */
export function authenticate(authorization: string | undefined, region: string): string {
  const scope = credentialScope(authorization ?? "");
  if (scope === undefined) throw new S3Error("AccessDenied", 403, "Anonymous access is forbidden", { violation: true });
  if (scope.service !== "s3") {
    throw new S3Error("AuthorizationHeaderMalformed", 400, `incorrect service "${scope.service}"; it must be "s3"`, {
      violation: true,
    });
  }
  if (scope.region !== region) {
    const message = `The authorization header is malformed; the region '${scope.region}' is wrong; expecting '${region}'`;
    throw new S3Error("AuthorizationHeaderMalformed", 400, message, { fields: { Region: region } });
  }
  return scope.accessKeyId;
}

const kmsKey = /^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/.+|[0-9a-f-]{36}|alias\/.+)$/;

/** checkPut enforces what S3 documents about the headers of PutObject, and what an object with a secret in it must not have. */
export function checkPut({ key, header, body }: Pick<S3Request, "key" | "header" | "body">): void {
  const acl = ["x-amz-acl", "x-amz-grant-read", "x-amz-grant-full-control"].find((name) => header(name) !== undefined);
  if (acl !== undefined) {
    throw new S3Error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs", { violation: true });
  }
  if (Buffer.byteLength(key) > 1024) throw new S3Error("KeyTooLongError", 400, "Your key is too long", { violation: true });
  const algorithm = header("x-amz-server-side-encryption");
  const kmsKeyId = header("x-amz-server-side-encryption-aws-kms-key-id");
  if (algorithm !== undefined && !["AES256", "aws:kms", "aws:kms:dsse"].includes(algorithm)) {
    throw new S3Error("InvalidArgument", 400, "The encryption method specified is not supported", { violation: true });
  }
  if (kmsKeyId !== undefined && (algorithm?.startsWith("aws:kms") !== true || !kmsKey.test(kmsKeyId))) {
    throw new S3Error("InvalidArgument", 400, "The KMS key needs the encryption aws:kms and must be a key", { violation: true });
  }
  const checksum = header("x-amz-checksum-crc32");
  if (checksum !== undefined && checksum !== crc32Base64(body)) {
    throw new S3Error("BadDigest", 400, "The CRC32 you specified did not match the calculated checksum.", { violation: true });
  }
}

function crc32Base64(body: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString("base64");
}
