import { describe, expect, it } from "vitest";
import { parseBenchOptions } from "./options.ts";
import { scenarioNames } from "./scenarios.ts";

describe("options of npm run bench", () => {
  it("play everything three times unless told", () => {
    expect(parseBenchOptions([])).toMatchObject({
      scenarios: scenarioNames,
      runs: 3,
      small: false,
      throttle: false,
      latencyMs: { github: 0, ecs: 0 },
    });
  });

  it("take a list of scenarios and two latencies", () => {
    const options = parseBenchOptions(["--", "--scenario", "one, burst100", "--latency", "60,120", "--runs=5"]);
    expect(options).toMatchObject({ scenarios: ["one", "burst100"], runs: 5, latencyMs: { github: 60, ecs: 120 } });
  });

  it.each([
    [["--scenario", "sprint"], /sprint.*floor/],
    [["--runs", "0"], /--runs/],
    [["--latency", "fast"], /--latency/],
    [["--speed"], /--speed/],
  ])("refuse %j in words", (args, words) => {
    expect(() => parseBenchOptions(args)).toThrow(words);
  });
});
