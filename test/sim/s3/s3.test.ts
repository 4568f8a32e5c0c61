import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import { startS3Sim } from "./server.ts";
import type { S3Sim, S3SimOptions } from "./sim.ts";

async function makeBench(options: S3SimOptions = {}): Promise<{ readonly sim: S3Sim; readonly client: S3Client }> {
  const sim = await startS3Sim(options);
  const credentials = { accessKeyId: "AKIASIMULATOR", secretAccessKey: "simulator" };
  const client = new S3Client({ endpoint: sim.url, region: "us-east-1", credentials, forcePathStyle: true, maxAttempts: 1 });
  onTestFinished(async () => {
    client.destroy();
    await sim.close();
  });
  return { sim, client };
}

const object = { Bucket: "handover", Key: "getabako/a.env" };
const arn = "arn:aws:s3:::handover/getabako/a.env";

describe("objects", () => {
  it("are put, read, listed and removed by the real SDK client", async () => {
    const { sim, client } = await makeBench();
    const put = await client.send(new PutObjectCommand({ ...object, Body: "A=1\n", ContentType: "text/plain" }));
    expect(put).toMatchObject({ ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/), ServerSideEncryption: "AES256" });
    const got = await client.send(new GetObjectCommand(object));
    expect(await got.Body?.transformToString()).toBe("A=1\n");
    expect(await client.send(new HeadObjectCommand(object))).toMatchObject({ ETag: put.ETag, ContentType: "text/plain" });
    const list = await client.send(new ListObjectsV2Command({ Bucket: "handover", Prefix: "getabako/" }));
    expect(list.Contents).toMatchObject([{ Key: object.Key, Size: 4 }]);
    await client.send(new DeleteObjectCommand(object));
    await client.send(new DeleteObjectCommand(object));
    expect(sim.keys()).toEqual([]);
    await expect(client.send(new GetObjectCommand(object))).rejects.toMatchObject({ name: "NoSuchKey" });
    expect(sim.violations).toEqual([]);
    expect(sim.calls.map(({ operation, accessKeyId }) => `${operation} ${accessKeyId}`)).toContain("PutObject AKIASIMULATOR");
  });

  it("keep the encryption that was asked for", async () => {
    const key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000";
    const { sim, client } = await makeBench({ kmsKeys: [key] });
    const kms = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: key } as const;
    await client.send(new PutObjectCommand({ ...object, Body: "A=1", ...kms }));
    expect(sim.bucket().get(object.Key)?.encryption).toEqual({ algorithm: "aws:kms", kmsKeyId: key });
    const other = { ...kms, SSEKMSKeyId: key.replace("0a1b", "ffff") };
    await expect(client.send(new PutObjectCommand({ ...object, Body: "A=1", ...other }))).rejects.toMatchObject({
      name: "KMS.NotFoundException",
    });
  });

  it("stay as versions in a bucket that keeps them", async () => {
    const { sim, client } = await makeBench({ buckets: [{ name: "handover", versioned: true }] });
    const { VersionId } = await client.send(new PutObjectCommand({ ...object, Body: "A=1" }));
    await client.send(new DeleteObjectCommand(object));
    expect(sim.keys()).toEqual([]);
    expect(sim.bucket().oldVersions()).toMatchObject([{ versionId: VersionId, body: "A=1" }]);
  });
});

describe("a call that S3 refuses", () => {
  it("names the error as S3 does: no bucket, another Region, a foreign signature", async () => {
    const { sim, client } = await makeBench({ buckets: [{ name: "handover" }, { name: "elsewhere", region: "eu-west-1" }] });
    const put = (Bucket: string, by = client) => by.send(new PutObjectCommand({ Bucket, Key: "a.env", Body: "A=1" }));
    await expect(put("nobody")).rejects.toMatchObject({ name: "NoSuchBucket", $metadata: { httpStatusCode: 404 } });
    await expect(put("elsewhere")).rejects.toMatchObject({ name: "PermanentRedirect", $metadata: { httpStatusCode: 301 } });
    const foreign = new S3Client({
      endpoint: sim.url,
      region: "eu-west-1",
      credentials: { accessKeyId: "A", secretAccessKey: "S" },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    await expect(put("handover", foreign)).rejects.toMatchObject({ name: "AuthorizationHeaderMalformed", Region: "us-east-1" });
    foreign.destroy();
    expect(sim.violations).toEqual([]);
  });

  it("is a violation where nobody may make it: an ACL, an operation that it does not know", async () => {
    const { sim, client } = await makeBench();
    await expect(client.send(new PutObjectCommand({ ...object, Body: "A=1", ACL: "public-read" }))).rejects.toThrow();
    await expect(client.send(new PutBucketAclCommand({ Bucket: "handover", ACL: "private" }))).rejects.toMatchObject({
      name: "NotImplemented",
    });
    expect(sim.violations).toHaveLength(2);
    expect(sim.keys()).toEqual([]);
  });

  it("fails as a test asks for, with or without its work done", async () => {
    const { sim, client } = await makeBench();
    const put = () => client.send(new PutObjectCommand({ ...object, Body: "A=1" }));
    sim.faults.add({ kind: "error", code: "SlowDown", status: 503 }, { operation: "PutObject" });
    await expect(put()).rejects.toMatchObject({ name: "SlowDown" });
    expect(sim.keys()).toEqual([]);
    sim.faults.add({ kind: "cut", accepted: true });
    await expect(put()).rejects.toThrow();
    expect(sim.keys()).toEqual([object.Key]);
    const denied = sim.faults.deny({ operation: "DeleteObject" });
    await expect(client.send(new DeleteObjectCommand(object))).rejects.toMatchObject({ name: "AccessDenied" });
    expect(denied.hits).toBe(1);
    sim.faults.clear();
    const hang = sim.faults.add({ kind: "hang" });
    const removed = client.send(new DeleteObjectCommand(object));
    await hang.reached;
    expect(sim.keys()).toEqual([object.Key]);
    hang.release();
    await removed;
    expect(sim.keys()).toEqual([]);
  });
});

describe("an environment file", () => {
  it("is read as the ECS agent reads it", async () => {
    const { sim, client } = await makeBench();
    await expect(sim.readEnvironmentFile(arn)).rejects.toThrow(/NoSuchKey/);
    await client.send(new PutObjectCommand({ ...object, Body: "A=b==\n" }));
    expect(await sim.readEnvironmentFile(arn)).toBe("A=b==\n");
    await client.send(new PutObjectCommand({ ...object, Body: "A=1\nnothing\n" }));
    await expect(sim.readEnvironmentFile(arn)).rejects.toThrow(/not NAME=value/);
    await client.send(new PutObjectCommand({ ...object, Body: Buffer.from([0x41, 0x3d, 0xff]) }));
    await expect(sim.readEnvironmentFile(arn)).rejects.toThrow(/not UTF-8/);
  });
});
