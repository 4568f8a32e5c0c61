import { parseEnvironmentFile } from "../ecs/runner/environment.ts";
import type { StoredObject } from "./store.ts";

/**
 * readEnvironmentFile reads an object as the ECS agent reads an environment file, and refuses what it would not take: a name without
 * `.env`, bytes that are no UTF-8, a line that is not `NAME=value`. The errors end up in the task's stoppedReason.
 */
export async function readEnvironmentFile(
  arn: string,
  find: (bucket: string, key: string) => StoredObject | undefined,
): Promise<string> {
  const [, bucket = "", key = ""] = /^arn:aws[a-z-]*:s3:::([^/]+)\/(.+\.env)$/.exec(arn) ?? [];
  const object = find(bucket, key);
  if (object === undefined) {
    throw new Error("file download command: non empty error stream: NoSuchKey: The specified key does not exist.");
  }
  // What was no UTF-8 has become replacement characters.
  if (object.body.includes("\uFFFD")) throw new Error("the file is not UTF-8");
  parseEnvironmentFile(object.body);
  return object.body;
}
