import { z } from "zod";
import { cel } from "../kind.ts";
import { arn } from "./arn.ts";

/** jitConfigDeliverySchema is how a runner gets its single-use configuration. */
export const jitConfigDeliverySchema = z
  .object({
    type: z
      .enum(["Environment", "S3"])
      .default("Environment")
      .describe(
        "Environment puts it into the task's overrides, where everybody who may call DescribeTasks, or reads the task's events, sees it until it is used. S3 puts it into an object that only the execution role reads.",
      ),
    s3: z
      .object({
        bucket: z
          .string()
          .min(3)
          .max(63)
          .regex(/^[a-z0-9][a-z0-9.-]+[a-z0-9]$/)
          .describe("The bucket, in the class' Region. The execution role needs s3:GetObject and s3:GetBucketLocation."),
        prefix: z
          .string()
          .max(200)
          .regex(/^([A-Za-z0-9_.-]+\/)*$/)
          .default("getabako/")
          .describe("First part of the objects' keys. A lifecycle rule should expire what is left there after a day."),
        kmsKeyArn: arn("kms", "[a-z0-9-]+:[0-9]{12}:(key|alias)/.+")
          .exactOptional()
          .describe(
            "KMS key that encrypts the objects; the execution role needs kms:Decrypt. By default the bucket's own encryption.",
          ),
      })
      .exactOptional()
      .describe("Where the objects lie; required with type S3."),
  })
  .default({ type: "Environment" })
  .meta(cel({ rule: "(self.type == 'S3') == has(self.s3)", message: "s3 is required with type S3, and goes with no other" }))
  .describe("How a runner gets its single-use configuration.");
