import { describe, expect, it } from "vitest";
import { compareRunnerVersions, isRunnerVersion } from "./runner-version.ts";

describe("runner versions", () => {
  it("are compared by number, part by part", () => {
    const versions = ["2.336.0", "2.329.10", "2.329.9", "3.0.0", "2.1000.0"];
    expect(versions.toSorted(compareRunnerVersions)).toEqual(["2.329.9", "2.329.10", "2.336.0", "2.1000.0", "3.0.0"]);
    expect(compareRunnerVersions("2.336.0", "2.336.0")).toBe(0);
  });

  it.each(["", "2.336", "2.336.0-rc1", "v2.336.0", "2.336.0\n", null, undefined, 2])("are not %j", (text) => {
    expect(isRunnerVersion(text)).toBe(false);
  });
});
