import { DescribeTasksCommand, ECSClient } from "@aws-sdk/client-ecs";
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEcsProvider, type EcsProvider } from "../../../src/provider/ecs/provider.ts";
import { S3Store } from "../../../src/provider/ecs/s3-store.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { systemClock } from "../../../src/util/clock.ts";
import { ecsClass } from "../ecs-class.ts";
import { makeLaunch, placeOf, unaborted } from "../launches.ts";

/** What of a class the endpoint was prepared for. */
type Spec = Parameters<typeof ecsClass>[0];

const bucket = "getabako-contract";
const executionRoleArn = "arn:aws:iam::123456789012:role/ecs-execution";

/**
 * describeDelivery holds the delivery by S3 to an emulator that has an S3 beside its ECS at one address. Whether a task reads the file
 * is for the simulators: no emulator does.
 */
export function describeDelivery(endpoint: string, specOf: () => Promise<Spec>): void {
  describe("delivery by S3", () => {
    let client: S3Client;
    let ecs: ECSClient;
    let provider: EcsProvider;
    let spec: Spec;

    beforeAll(async () => {
      process.env["AWS_ENDPOINT_URL_S3"] = endpoint;
      spec = { ...(await specOf()), jitConfigDelivery: { type: "S3", s3: { bucket, prefix: "getabako/" } } };
      provider = createEcsProvider({ clock: systemClock, log: silentLogger(), pace: 1_000 });
      client = new S3Client({ endpoint, region: spec?.region ?? "us-east-1", forcePathStyle: true });
      ecs = new ECSClient({ endpoint, region: spec?.region ?? "us-east-1" });
      await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: unknown) => {
        // An emulator that was used before.
        if ((error as Error).name !== "BucketAlreadyOwnedByYou") throw error;
      });
    });

    afterAll(async () => {
      await provider.close();
      client.destroy();
      ecs.destroy();
      delete process.env["AWS_ENDPOINT_URL_S3"];
    });

    const keys = async (): Promise<string[]> => {
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return (Contents ?? []).flatMap(({ Key }) => Key ?? []);
    };

    test("an object is put, put again and removed, also twice; its encryption is as asked for", async () => {
      const store = new S3Store();
      const connection = { region: spec?.region ?? "us-east-1", cluster: "runners" };
      const object = { bucket, key: "getabako/a.env" };
      const kmsKeyArn = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
      await store.put(connection, object, { body: "A=1\n", kmsKeyArn: undefined }, unaborted());
      await store.put(connection, object, { body: "A=b==\n", kmsKeyArn }, unaborted());
      const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key: object.key }));
      expect(got).toMatchObject({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn });
      expect(await got.Body?.transformToString()).toBe("A=b==\n");
      await store.delete(connection, object, unaborted());
      await store.delete(connection, object, unaborted());
      expect(await keys()).toEqual([]);
      const nobody = store.put(connection, { ...object, bucket: "nobody" }, { body: "A=1", kmsKeyArn: undefined }, unaborted());
      await expect(nobody).rejects.toMatchObject({ code: "TargetNotReady" });
      await store.delete(connection, { ...object, bucket: "nobody" }, unaborted());
      await store.close();
    });

    test("a class is good, its task names the object and not the configuration, and once it has run the object is gone", async () => {
      const cls = ecsClass({ ...spec, ...(spec?.taskDefinition === undefined && { executionRoleArn }) });
      expect((await provider.check(cls, unaborted())).findings).toEqual([]);
      const launch = makeLaunch(cls);
      const { instance } = await provider.create(launch, unaborted());
      const described = await ecs.send(new DescribeTasksCommand({ cluster: cls.spec.cluster, tasks: [instance.id] }));
      const override = described.tasks?.[0]?.overrides?.containerOverrides?.find(({ name }) => name === cls.spec.container.name);
      expect(override?.environmentFiles).toEqual([
        { type: "s3", value: expect.stringContaining(`arn:aws:s3:::${bucket}/getabako/${launch.requestUid}-1-`) },
      ]);
      expect(JSON.stringify(described)).not.toContain(launch.jitConfig.slice(0, 40));
      const place = placeOf(provider, cls);
      await provider.delete(place, instance.id, "the test is over", unaborted());
      await expect
        .poll(async () => {
          await provider.get(place, [instance.id], unaborted());
          return keys();
        })
        .toEqual([]);
    });
  });
}
