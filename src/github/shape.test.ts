import { describe, expect, it } from "vitest";
import { GitHubError } from "./errors.ts";
import { idText, list, readable, text, wholeNumber } from "./shape.ts";

describe("shapes", () => {
  it("reads ids of any size", () => {
    expect(idText(9007199254740993n)).toBe("9007199254740993");
    expect(idText(21)).toBe("21");
    expect(wholeNumber(21)).toBe(21);
  });

  it.each([undefined, null, "21", 1.5, Number.NaN, {}, 2 ** 53])("takes %j for no id", (value) => {
    expect(() => wholeNumber(value)).toThrow(TypeError);
    expect(() => idText(value)).toThrow(TypeError);
  });

  it("takes no id that would be rounded to somebody else's", () => {
    expect(() => wholeNumber(9007199254740993n)).toThrow(TypeError);
  });

  it("takes nothing else for texts and lists", () => {
    expect(() => text(undefined)).toThrow(TypeError);
    expect(() => list(undefined)).toThrow(TypeError);
    expect(() => list({} as never)).toThrow(TypeError);
    expect(list([1])).toEqual([1]);
  });
});

describe("readable", () => {
  const never = new AbortController().signal;

  it("turns what a strange answer breaks into an unknown outcome", async () => {
    await expect(readable("getApp", never, Promise.reject(new TypeError("x is undefined")))).rejects.toMatchObject({
      code: "Unavailable",
    });
  });

  it("leaves our errors and the caller's reasons alone", async () => {
    const ours = new GitHubError("Forbidden", "no");
    await expect(readable("getApp", never, Promise.reject(ours))).rejects.toBe(ours);
    const reason = new Error("stop");
    await expect(readable("getApp", AbortSignal.abort(reason), Promise.reject(reason))).rejects.toBe(reason);
  });
});
