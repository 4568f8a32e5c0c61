import { describe, expect, it } from "vitest";
import { parseDemoOptions } from "./options.ts";

describe("the options of npm run demo", () => {
  it("default to 100 jobs and a clean exit", () => {
    expect(parseDemoOptions([])).toEqual({ jobs: 100, keep: false, ecs: "simulator", help: false });
  });

  it("are read with and without npm's separator", () => {
    expect(parseDemoOptions(["--", "--keep", "--jobs", "20"])).toEqual({ jobs: 20, keep: true, ecs: "simulator", help: false });
  });

  it("take another ECS", () => {
    expect(parseDemoOptions(["--ecs", "ministack"])).toMatchObject({ ecs: "ministack" });
    expect(() => parseDemoOptions(["--ecs", "ministack", "--jobs", "20"])).toThrow("--jobs goes with the simulator");
  });

  it.each([["--ecs", "aws"], ["--jobs", "0"], ["--jobs", "11"], ["--jobs", "many"], ["--jobs", "1e9"], ["--kep"], ["twenty"]])(
    "are refused when wrong: %s %s",
    (...args) => {
      expect(() => parseDemoOptions(args)).toThrow(args[0] ?? "");
    },
  );
});
