import { describe, expect, it } from "vitest";
import { narrowed, type Schema } from "./kinds.ts";

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: "object", properties, ...more });

describe("a schema that takes away", () => {
  it.each<readonly [string, Schema, Schema, string]>([
    ["a field", object({ a: {} }), object({}), ".: a is gone"],
    [
      "a field of a list's objects",
      object({ a: { items: object({ b: {} }) } }),
      object({ a: { items: object({}) } }),
      ".a[]: b is gone",
    ],
    ["a type", object({ a: { type: "string" } }), object({ a: { type: "integer" } }), ".a: type is integer and was string"],
    ["a spelling", object({ a: {} }), object({ a: { pattern: "^x" } }), ".a: pattern is ^x and was free"],
    ["small numbers", object({ a: { minimum: 0 } }), object({ a: { minimum: 1 } }), ".a: minimum was raised"],
    ["long texts", object({ a: {} }), object({ a: { maxLength: 9 } }), ".a: maxLength was lowered"],
    ["silence", object({ a: {} }), object({ a: {} }, { required: ["a"] }), ".: a became required"],
    ["a word", object({ a: { enum: ["x", "y"] } }), object({ a: { enum: ["x", "z"] } }), ".a: no y any more"],
    ["all other words", object({ a: {} }), object({ a: { enum: ["x"] } }), ".a: became an enum"],
  ])("%s is found out", (_, older, newer, said) => {
    expect(narrowed(older, newer)).toEqual([said]);
  });

  it("and nothing that only adds", () => {
    const older = object({ a: { enum: ["x"], maxLength: 3 }, b: object({}) }, { required: ["a"] });
    const newer = object({ a: { enum: ["x", "y"], maxLength: 4 }, b: object({ d: { type: "string" } }), c: { minimum: 1 } });
    expect(narrowed(older, newer)).toEqual([]);
  });
});
