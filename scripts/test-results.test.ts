import { describe, expect, it } from "vitest";
import { countTests, failures, summary } from "./test-results.ts";

const file = (status: string, ...tests: string[]): { name: string; status: string; assertionResults: { status: string }[] } => ({
  name: "a.test.ts",
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

describe("countTests", () => {
  it.each([
    ["all pass", [file("passed", "passed", "passed")], 0, { passed: 2, failed: 0, skipped: 0 }],
    ["one fails", [file("failed", "passed", "failed")], 1, { passed: 1, failed: 1, skipped: 0 }],
    ["one is skipped", [file("passed", "passed", "pending")], 0, { passed: 1, failed: 0, skipped: 1 }],
    ["a file cannot be loaded", [file("failed"), file("passed", "passed")], 1, { passed: 1, failed: 1, skipped: 0 }],
    ["the run ends badly although every test passed", [file("passed", "passed")], 1, { passed: 1, failed: 1, skipped: 0 }],
    ["nothing ran", [], 0, { passed: 0, failed: 0, skipped: 0 }],
  ])("counts a run in which %s", (_, testResults, exitCode, counts) => {
    expect(countTests({ testResults }, exitCode)).toEqual(counts);
  });

  it("counts a run without a report as one failure", () => {
    expect(countTests(undefined, 137)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe("failures", () => {
  it("names each failed test with the beginning of its reason, and files that could not be loaded", () => {
    const testResults = [
      {
        name: "a.test.ts",
        status: "failed",
        assertionResults: [
          { status: "passed", fullName: "works" },
          { status: "failed", fullName: "breaks", failureMessages: ["Error: expected 1\n    at a.test.ts:3"] },
        ],
      },
      { name: "b.test.ts", status: "failed", message: "Cannot find module\nmore", assertionResults: [] },
    ];
    expect(failures({ testResults })).toEqual([
      "failed: a.test.ts > breaks: Error: expected 1",
      "failed: b.test.ts: Cannot find module",
    ]);
    expect(failures(undefined)).toEqual([]);
  });
});

describe("summary", () => {
  it("ends with the sum over all steps, alone on its line", () => {
    const text = summary([
      { name: "types", passed: 1, failed: 0, skipped: 0, ms: 1200 },
      { name: "unit tests", passed: 40, failed: 2, skipped: 1, ms: 30_000 },
    ]);
    expect(text.split("\n").at(-1)).toBe("41 passed, 2 failed");
    expect(text).toContain("unit tests  FAILED    30.0 s  40 passed, 2 failed, 1 skipped");
  });
});
