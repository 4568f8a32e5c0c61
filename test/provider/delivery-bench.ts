import { expect, onTestFinished } from "vitest";
import type { OpenS3Sender } from "../../src/provider/ecs/s3-store.ts";
import type { EcsSim } from "../sim/ecs/sim.ts";
import { startS3Sim } from "../sim/s3/server.ts";
import type { S3Sim, S3SimOptions } from "../sim/s3/sim.ts";
import { type EcsBench, type EcsBenchOptions, ecsBench } from "./ecs-bench.ts";

export const executionRole = "arn:aws:iam::123456789012:role/ecs-execution";
export const kmsKey = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/** DeliveryBench is an ECS bench whose class delivers by S3; the ECS simulator reads the objects of the S3 simulator. */
export interface DeliveryBench extends EcsBench {
  readonly s3: S3Sim;
}

/** deliveryBench makes one; its bucket is `handover`. */
export async function deliveryBench({
  s3: s3Options = {},
  kmsKeyArn,
  patienceMs = 15_000,
  ...options
}: EcsBenchOptions & { readonly s3?: S3SimOptions; readonly kmsKeyArn?: string } = {}): Promise<DeliveryBench> {
  const s3 = await startS3Sim(s3Options);
  const openS3Sender: OpenS3Sender = async ({ region }) => {
    const sdk = await import("@aws-sdk/client-s3");
    const client = new sdk.S3Client({
      endpoint: s3.url,
      forcePathStyle: true,
      region,
      credentials: { accessKeyId: "AKIASIMULATOR", secretAccessKey: "simulator" },
      maxAttempts: 1,
      requestHandler: { requestTimeout: patienceMs, throwOnRequestTimeout: true },
    });
    return { sdk, client };
  };
  // Finished last, after the provider that speaks to it.
  onTestFinished(async () => {
    await s3.close();
    expect(s3.violations).toEqual([]);
  });
  const bench = await ecsBench({
    patienceMs,
    openS3Sender,
    readEnvironmentFile: s3.readEnvironmentFile,
    ...options,
    spec: {
      executionRoleArn: executionRole,
      jitConfigDelivery: {
        type: "S3",
        s3: { bucket: "handover", prefix: "getabako/", ...(kmsKeyArn !== undefined && { kmsKeyArn }) },
      },
      ...options.spec,
    },
  });
  return { ...bench, s3 };
}

/** filesOf are the files that a task's override names. */
export function filesOf(sim: EcsSim, id: string): (string | undefined)[] {
  const [override] = sim.task(id).request.overrides?.containerOverrides ?? [];
  return (override?.environmentFiles ?? []).map(({ value }) => value);
}
