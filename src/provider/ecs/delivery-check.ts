import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { isProviderError } from "../errors.ts";
import type { Finding } from "../types.ts";
import { connectionOf } from "./connection.ts";
import { checkObjectName } from "./delivery-object.ts";
import { error, warning } from "./finding.ts";
import { jitConfigVariable } from "./jit-config-variable.ts";
import type { S3Store } from "./s3-store.ts";

/**
 * checkDelivery tries what a launch needs of S3 with the rights of the operator: to put an object below the prefix, encrypted as the
 * class says, and to remove it. It returns what a person has to mend, and throws what passes by itself. Whether the execution role can
 * read the objects shows in the first task only.
 */
export async function checkDelivery(store: S3Store, spec: ECSRunnerClassSpec, signal: AbortSignal): Promise<Finding[]> {
  const { type, s3 } = spec.jitConfigDelivery;
  if (type !== "S3" || s3 === undefined) return [];
  const connection = connectionOf(spec);
  const object = { bucket: s3.bucket, key: `${s3.prefix}${checkObjectName}` };
  try {
    const body = "getabako may write here\n";
    const { versioned } = await store.put(connection, object, { body, kmsKeyArn: s3.kmsKeyArn }, signal);
    await store.delete(connection, object, signal);
    return [...variableFindings(spec), ...(versioned ? [versionsKept(s3.bucket)] : [])];
  } catch (failure) {
    if (!isProviderError(failure)) throw failure;
    const { code, message } = failure;
    if (code === "Unauthorized") return [error("Unauthorized", message)];
    if (code === "TargetNotReady" || code === "InvalidRequest") return [error("DeliveryBucketUnusable", message)];
    throw failure;
  }
}

/** `environment` wins over files, and so does a secret. A definition brought by the user is looked at where it is found. */
function variableFindings({ container }: ECSRunnerClassSpec): Finding[] {
  return [...container.environment, ...container.secrets].some(({ name }) => name === jitConfigVariable)
    ? [
        error(
          "DeliveryOverridden",
          `container.environment or container.secrets sets ${jitConfigVariable}, which would win over the delivered file: remove it`,
        ),
      ]
    : [];
}

function versionsKept(bucket: string): Finding {
  return warning(
    "DeliveryBucketVersioned",
    `bucket ${bucket} keeps versions, so removed JIT configurations stay in it: use one without, or let its lifecycle rule expire noncurrent versions after a day`,
  );
}
