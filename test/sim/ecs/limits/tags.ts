import type { Tag } from "@aws-sdk/client-ecs";
import { invalidParameter } from "../api-error.ts";

const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** checkTags enforces the documented rules for a resource's tags. */
export function checkTags(tags: readonly Tag[] | undefined): void {
  if (tags === undefined) {
    return;
  }
  if (tags.length > 50) {
    throw invalidParameter(`Too many tags: ${tags.length}; a resource can have at most 50.`);
  }
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (key === undefined || key.length === 0 || key.length > 128) {
      throw invalidParameter("Tag keys must have 1 to 128 characters.");
    }
    if ((value ?? "").length > 256) {
      throw invalidParameter(`The value of tag ${key} has more than 256 characters.`);
    }
    if (!allowed.test(key) || !allowed.test(value ?? "")) {
      throw invalidParameter(`Tag ${key} holds characters other than letters, digits, spaces and _.:/=+-@.`);
    }
    if (/^aws:/i.test(key)) {
      throw invalidParameter(`Tag ${key}: the prefix aws: is reserved.`);
    }
    if (seen.has(key)) {
      throw invalidParameter(`Duplicate tag key ${key}.`);
    }
    seen.add(key);
  }
}
