import type * as Sdk from "@aws-sdk/client-s3";
import { ProviderError } from "../errors.ts";
import { ClientCache } from "./client-cache.ts";
import { clientConfig, type SenderOptions } from "./client-config.ts";
import { accountKey, type EcsConnection } from "./connection.ts";
import type { S3Object } from "./delivery-object.ts";
import { awsCause } from "./errors.ts";
import { type S3CallFacts, toS3Error } from "./s3-errors.ts";

/** S3Sender is one SDK client: what sends the commands of an account and Region. */
export interface S3Sender {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.S3Client;
}

/** OpenS3Sender makes the client of a connection. */
export type OpenS3Sender = (connection: EcsConnection) => Promise<S3Sender>;

/** Put is what an object is put with beside its name. */
export interface Put {
  readonly body: string;
  /** By default the bucket's own encryption. */
  readonly kmsKeyArn: string | undefined;
}

/** S3Store puts and removes small objects, with the rights of the connection. Its errors are ProviderErrors, or the signal's reason. */
export class S3Store {
  readonly #senders: ClientCache<EcsConnection, S3Sender>;

  constructor(open: OpenS3Sender = (connection) => openS3Sender(connection)) {
    this.#senders = new ClientCache(open, accountKey);
  }

  /** put writes an object, or writes it anew. `versioned` says that the bucket keeps what is overwritten and removed. */
  async put(
    connection: EcsConnection,
    object: S3Object,
    { body, kmsKeyArn }: Put,
    signal: AbortSignal,
  ): Promise<{ readonly versioned: boolean }> {
    const { ETag, VersionId } = await this.#send(connection, "PutObject", object, signal, ({ client, sdk }) =>
      client.send(
        new sdk.PutObjectCommand({
          Bucket: object.bucket,
          Key: object.key,
          Body: body,
          ContentType: "text/plain; charset=utf-8",
          CacheControl: "no-store",
          ...(kmsKeyArn !== undefined && { ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn }),
        }),
        { abortSignal: signal },
      ),
    );
    // S3 answers with the object's tag always. Something else may answer 200 to anything, and a task would miss its file.
    if (ETag === undefined) {
      const message = "the answer to PutObject is not from S3: look for a proxy on the way, and check AWS_ENDPOINT_URL_S3";
      throw new ProviderError("Unavailable", message);
    }
    return { versioned: VersionId !== undefined && VersionId !== "null" };
  }

  /** delete removes an object; one that is not there is a success. */
  async delete(connection: EcsConnection, { bucket, key }: S3Object, signal: AbortSignal): Promise<void> {
    try {
      await this.#send(connection, "DeleteObject", { bucket, key }, signal, ({ client, sdk }) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal }),
      );
    } catch (error) {
      if (awsCause(error)?.name !== "NoSuchBucket") throw error;
    }
  }

  /** close ends all connections; calls in flight fail. */
  close(): Promise<void> {
    return this.#senders.close();
  }

  async #send<Output>(
    connection: EcsConnection,
    operation: S3CallFacts["operation"],
    { bucket, key }: S3Object,
    signal: AbortSignal,
    run: (sender: S3Sender) => Promise<Output>,
  ): Promise<Output> {
    signal.throwIfAborted();
    try {
      return await run(await this.#senders.get(connection));
    } catch (error) {
      signal.throwIfAborted();
      throw toS3Error(error, { operation, connection, bucket, key });
    }
  }
}

/**
 * openS3Sender makes an SDK client; the SDK is loaded here and not before. The SDK itself reads AWS_ENDPOINT_URL_S3 and
 * AWS_ENDPOINT_URL, but has no variable for buckets in the path, which is what an endpoint without a wildcard in DNS needs.
 */
export async function openS3Sender(
  connection: EcsConnection,
  { env = process.env, ...options }: SenderOptions & { readonly env?: NodeJS.ProcessEnv } = {},
): Promise<S3Sender> {
  const [sdk, config] = await Promise.all([import("@aws-sdk/client-s3"), clientConfig(connection, options)]);
  const forcePathStyle = Boolean(env["AWS_ENDPOINT_URL_S3"] || env["AWS_ENDPOINT_URL"]);
  return { sdk, client: new sdk.S3Client({ ...config, forcePathStyle }) };
}
