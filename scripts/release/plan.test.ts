import { describe, expect, it } from "vitest";
import { parseOptions } from "./options.ts";
import { planOf } from "./plan.ts";
import type { ReleaseState } from "./release-problems.ts";

const state: ReleaseState = {
  current: "1.2.3",
  changelog: "# Changelog\n\n## Unreleased\n- News.\n\n## 1.2.3 - 2026-11-01\n- Old.\n",
  tags: [],
  uncommitted: [],
};
const released: ReleaseState = { ...state, changelog: "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-11-01\n- Old.\n" };

describe("npm run release", () => {
  it.each([
    [["1.3.0"], state, { mode: "release", version: "1.3.0" }],
    [["--dry-run", "1.3.0"], { ...state, uncommitted: ["a"] }, { mode: "dry-run", version: "1.3.0" }],
    [["--dry-run"], state, { mode: "dry-run", version: "1.2.4" }],
    [["--dry-run", "--twice"], released, { mode: "rebuild", version: "1.2.3" }],
    [["--rebuild"], { ...released, uncommitted: ["a"] }, { mode: "rebuild", version: "1.2.3" }],
  ] as const)("%j is planned", (args, before, plan) => {
    expect(planOf(parseOptions(args), before)).toEqual(plan);
  });

  it.each([
    [["1.3.0"], { ...state, uncommitted: ["a"] }, "no release of 1.3.0:\n  1 file is not committed"],
    [["1.3.0"], released, "nothing under Unreleased"],
    [["--dry-run", "1.3.0"], released, "nothing under Unreleased"],
    [["--dry-run", "1.2.3"], state, "1.2.3 is not newer than 1.2.3"],
    [["v1.3.0"], state, "is no version"],
  ] as const)("%j is refused", (args, before, words) => {
    expect(() => planOf(parseOptions(args), before)).toThrow(words);
  });

  it.each([
    [[], "which version?"],
    [["1.3.0", "1.4.0"], "one version at a time"],
    [["--dry-run", "--rebuild"], "exclude each other"],
    [["--rebuild", "1.3.0"], "--rebuild takes no version"],
    [["--publish", "1.3.0"], "Unknown option '--publish'"],
  ])("%j is no command", (args, words) => {
    expect(() => parseOptions(args)).toThrow(words);
  });
});
