import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonEqual, mergePatch } from "./merge-patch.ts";

/** RFC 7386, section 2, as the server applies it. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = apply(result[key], value);
  }
  return result;
}

describe("mergePatch", () => {
  it.each<[string, unknown, unknown, unknown]>([
    ["nothing when nothing differs", { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, undefined],
    ["only what differs", { a: 1, b: { c: 1, d: 2 } }, { a: 1, b: { c: 1, d: 3 } }, { b: { d: 3 } }],
    ["null for what is gone", { a: 1, b: { c: 1 } }, { b: {} }, { a: null, b: { c: null } }],
    ["null for what is undefined or null", { a: 1, b: 2 }, { a: undefined, b: null }, { a: null, b: null }],
    ["nothing for what is missing on both sides", {}, { a: undefined, b: null }, undefined],
    ["lists as a whole", { a: [{ x: 1 }, { x: 2 }] }, { a: [{ x: 1 }, { x: 3 }] }, { a: [{ x: 1 }, { x: 3 }] }],
    ["an object where there was none", {}, { a: { b: 1 } }, { a: { b: 1 } }],
    ["an empty object where there was none", {}, { a: {} }, { a: {} }],
    ["a value in place of an object", { a: { b: 1 } }, { a: "text" }, { a: "text" }],
    ["false and zero and empty text", { a: true, b: 1, c: "x" }, { a: false, b: 0, c: "" }, { a: false, b: 0, c: "" }],
  ])("sends %s", (_, from, to, expected) => {
    expect(mergePatch(from, to)).toEqual(expected);
  });

  it("leads from any object to any other", () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom("", "x"),
        fc.boolean(),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value")),
    })).object;
    fc.assert(
      fc.property(json, json, (from, to) => {
        const patch = mergePatch(from, to);
        expect(apply(from, patch ?? {})).toEqual(to);
        expect(patch === undefined).toBe(jsonEqual(from, to));
      }),
    );
  });
});
