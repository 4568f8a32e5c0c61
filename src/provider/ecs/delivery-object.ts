import type { Task } from "@aws-sdk/client-ecs";
import type { ECSRunnerClassSpec } from "../../api/v1alpha1/ecs-runner-class.ts";
import { canonicalJson, shortHash } from "../../util/hash.ts";
import type { Launch } from "../types.ts";
import { identity } from "./instance.ts";

/** S3Object names an object. */
export interface S3Object {
  readonly bucket: string;
  readonly key: string;
}

/** S3Delivery is where a class' JIT configurations are handed over. */
export type S3Delivery = NonNullable<ECSRunnerClassSpec["jitConfigDelivery"]["s3"]>;

/** checkObjectName is what the operator's rights are tried with. It begins with a dot, as no request's uid does. */
export const checkObjectName = ".getabako-check";

/**
 * deliveryFileName is the last part of the key of a launch's object. The hash makes it another one for another JIT configuration: a
 * launch that is repeated after a crash, with a new one, must differ from the first call, so that ECS answers ConflictException and
 * names the first task. With one key for both, ECS would take the call for the same and the task would read whichever came last.
 *
 * The hash tells nothing: it is a quarter of a digest over a private key of 2,048 bits.
 */
export function deliveryFileName({
  requestUid,
  attempt,
  jitConfig,
}: Pick<Launch, "requestUid" | "attempt" | "jitConfig">): string {
  return `${requestUid}-${attempt}-${shortHash(canonicalJson([requestUid, attempt, jitConfig]), 16)}.env`;
}

/** deliveryObject is the object of a launch. */
export function deliveryObject(
  { bucket, prefix }: Pick<S3Delivery, "bucket" | "prefix">,
  launch: Pick<Launch, "requestUid" | "attempt" | "jitConfig">,
): S3Object {
  return { bucket, key: `${prefix}${deliveryFileName(launch)}` };
}

const partitions: readonly (readonly [RegExp, string])[] = [
  [/^cn-/, "aws-cn"],
  [/^us-gov-/, "aws-us-gov"],
  [/^us-iso-/, "aws-iso"],
  [/^us-isob-/, "aws-iso-b"],
];

/** objectArn is an object's ARN, in the partition of a Region. */
export function objectArn(region: string, { bucket, key }: S3Object): string {
  const partition = partitions.find(([pattern]) => pattern.test(region))?.[1] ?? "aws";
  return `arn:${partition}:s3:::${bucket}/${key}`;
}

/** parseObjectArn reads the ARN of an object; undefined for anything else. */
export function parseObjectArn(arn: string): S3Object | undefined {
  const match = /^arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]+)\/(.+)$/.exec(arn);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { bucket: match[1], key: match[2] };
}

/** fileArns are the environment files that a task's overrides name, ours and those of a definition brought by the user. */
export function fileArns(task: Task): string[] {
  return (task.overrides?.containerOverrides ?? []).flatMap(({ environmentFiles }) =>
    (environmentFiles ?? []).flatMap(({ type, value }) => (type === "s3" && value !== undefined ? [value] : [])),
  );
}

/**
 * deliveredTo are the objects that were put for a task: those whose names the operator makes for this very request and attempt. No
 * other file is ever removed, whatever a task names.
 */
export function deliveredTo(task: Task): S3Object[] {
  const { requestUid, attempt } = identity(task);
  if (requestUid === undefined || attempt === undefined) return [];
  const ours = `${requestUid}-${attempt}-`;
  return fileArns(task).flatMap((arn) => {
    const object = parseObjectArn(arn);
    const name = object?.key.slice(object.key.lastIndexOf("/") + 1);
    return object !== undefined && name?.startsWith(ours) === true && /^[0-9a-f]{16}\.env$/.test(name.slice(ours.length))
      ? [object]
      : [];
  });
}
