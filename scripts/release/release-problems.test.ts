import { describe, expect, it } from "vitest";
import { nextVersion, releaseProblems, type ReleaseState } from "./release-problems.ts";

const fresh: ReleaseState = { current: "0.1.0", changelog: "# Changelog\n\n## Unreleased\n- News.\n", tags: [], uncommitted: [] };
const grown: ReleaseState = {
  ...fresh,
  current: "1.2.3",
  changelog: "# Changelog\n\n## Unreleased\n- News.\n\n## 1.2.3 - 2026-11-01\n- Old.\n\n## 1.2.3-rc.2 - 2026-10-01\n- Older.\n",
};

describe("a release", () => {
  it.each([
    ["0.1.0", fresh],
    ["0.2.0", fresh],
    ["1.2.4", grown],
    ["2.0.0-rc.1", grown],
    ["1.2.10", { ...grown, tags: ["v1.2.9", "chart-7", "v1.2.3"] }],
  ] as const)("may be %s", (version, state) => {
    expect(releaseProblems(version, state)).toEqual([]);
  });

  it.each([
    ["v1.3.0", grown, '"v1.3.0" is no version'],
    ["1.3", grown, '"1.3" is no version'],
    ["1.3.0+build", { ...grown }, '"1.3.0+build" is no version'],
    ["1.2.3", grown, "1.2.3 is not newer than 1.2.3, which was released"],
    ["1.2.3-rc.3", grown, "1.2.3-rc.3 is not newer than 1.2.3"],
    ["1.3.0", { ...grown, tags: ["v1.4.0"] }, "1.3.0 is not newer than 1.4.0"],
    ["0.0.9", fresh, "0.0.9 is older than 0.1.0, which package.json has"],
    [
      "1.3.0",
      { ...grown, changelog: "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-11-01\n- Old.\n" },
      "nothing under Unreleased",
    ],
    ["1.3.0", { ...grown, uncommitted: ["src/main.ts"] }, "1 file is not committed, src/main.ts for one"],
  ] as const)("may not be %s", (version, state, problem) => {
    expect(releaseProblems(version, state)).toEqual([expect.stringContaining(problem)]);
  });

  it("tells all that is wrong at once", () => {
    const state = { ...grown, uncommitted: ["a", "b"], changelog: "" };
    expect(releaseProblems("1.2.2", state)).toHaveLength(3);
  });

  it("is of the next version when none is named", () => {
    expect(nextVersion(fresh)).toBe("0.1.0");
    expect(nextVersion(grown)).toBe("1.2.4");
    expect(nextVersion({ ...grown, current: "1.3.0" })).toBe("1.3.0");
  });
});
