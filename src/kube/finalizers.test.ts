import { describe, expect, it } from "vitest";
import { hasFinalizer, withFinalizer, withoutFinalizer } from "./finalizers.ts";

const plain = { metadata: {} };
const two = { metadata: { finalizers: ["a", "b"] } };

describe("finalizers", () => {
  it("finds one", () => {
    expect([hasFinalizer(plain, "a"), hasFinalizer(two, "a"), hasFinalizer(two, "c")]).toEqual([false, true, false]);
  });

  it("adds one once and keeps the others", () => {
    expect(withFinalizer(plain, "a")).toEqual(["a"]);
    expect(withFinalizer(two, "a")).toEqual(["a", "b"]);
    expect(withFinalizer(two, "c")).toEqual(["a", "b", "c"]);
  });

  it("removes one and keeps the others", () => {
    expect(withoutFinalizer(plain, "a")).toEqual([]);
    expect(withoutFinalizer(two, "a")).toEqual(["b"]);
    expect(two.metadata.finalizers).toEqual(["a", "b"]);
  });
});
