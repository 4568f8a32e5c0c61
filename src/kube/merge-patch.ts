/**
 * mergePatch is the smallest JSON merge patch (RFC 7386) that turns one JSON value into another, or undefined when
 * there is nothing to change. Members that are missing, undefined or null in the wanted object are removed; lists are
 * replaced as a whole, because a merge patch knows no other way.
 */
export function mergePatch(from: unknown, to: unknown): unknown {
  if (!isRecord(to)) return jsonEqual(from, to) ? undefined : to;
  if (!isRecord(from)) return to;
  let changed = false;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from)) {
    if (from[key] !== undefined && from[key] !== null && (to[key] === undefined || to[key] === null)) {
      patch[key] = null;
      changed = true;
    }
  }
  for (const [key, value] of Object.entries(to)) {
    if (value === undefined || value === null) continue;
    const member = mergePatch(from[key], value);
    if (member !== undefined) {
      patch[key] = member;
      changed = true;
    }
  }
  return changed ? patch : undefined;
}

/** jsonEqual compares two JSON values; an undefined member counts as missing, and the order of members does not count. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, index) => jsonEqual(value, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  for (const key of Object.keys(a)) if (!jsonEqual(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (a[key] === undefined && b[key] !== undefined) return false;
  return true;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
