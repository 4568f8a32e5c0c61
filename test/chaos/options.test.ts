import { describe, expect, it } from "vitest";
import { profiles } from "./fault-kinds.ts";
import { parseChaosOptions, usage } from "./options.ts";

describe("options of npm run chaos", () => {
  it("have defaults that make a useful run", () => {
    expect(parseChaosOptions([])).toMatchObject({ seed: 1, runs: 1, jobs: 200, minutes: 0.5, profile: "all", outage: false });
  });

  it("take what npm passes on", () => {
    const args = ["--", "--seed", "7", "--runs", "3", "--jobs", "60", "--minutes", "1.5", "--profile", "kube", "--keep"];
    expect(parseChaosOptions(args)).toMatchObject({ seed: 7, runs: 3, jobs: 60, minutes: 1.5, profile: "kube", keep: true });
  });

  it.each([
    ["--jobs", "0"],
    ["--jobs", "1.5"],
    ["--minutes", "soon"],
    ["--profile", "weather"],
    ["--outage", "aws"],
    ["--seeds", "1"],
  ])("refuse %s %s", (...args) => {
    expect(() => parseChaosOptions(args)).toThrow(args[0]);
  });

  it("are all in the usage", () => {
    for (const profile of profiles) expect(usage).toContain(profile);
  });
});
