import { describe, expect, it } from "vitest";
import { compareVersions, deepFreeze, keyOf, keyText, parseKey } from "./object.ts";

describe("keys", () => {
  it.each([
    [{ namespace: "ns", name: "a" }, "ns/a"],
    [{ namespace: "", name: "a" }, "a"],
  ])("are written and read: %o", (key, text) => {
    expect(keyText(key)).toBe(text);
    expect(parseKey(text)).toEqual(key);
  });

  it("come from metadata", () => {
    expect(keyOf({ metadata: { name: "a" } })).toEqual({ namespace: "", name: "a" });
    expect(keyOf({ metadata: { name: "a", namespace: "n" } })).toEqual({ namespace: "n", name: "a" });
  });
});

describe("compareVersions", () => {
  it("orders decimal numbers of any length", () => {
    const versions = ["100000000000000000001", "9", "100000000000000000000", "10", "0"];
    expect(versions.toSorted(compareVersions)).toEqual(["0", "9", "10", "100000000000000000000", "100000000000000000001"]);
    expect(compareVersions("10", "10")).toBe(0);
  });
});

describe("deepFreeze", () => {
  it("freezes everything below", () => {
    const value = deepFreeze({ a: { b: [{ c: 1 }] }, n: null });
    expect(Object.isFrozen(value.a.b[0])).toBe(true);
  });
});
