import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Advisory, Severity } from "./npm-audit.ts";
import { type Exception, exceptionProblems, judge, needless } from "./verdict.ts";

const advisory = (name: string, severity: Severity): Advisory => ({
  id: "GHSA-2345-6789-cfgh",
  package: name,
  severity,
  title: "It breaks",
  url: "https://github.com/advisories/GHSA-2345-6789-cfgh",
  range: "<2",
  directories: [`node_modules/${name}`, `node_modules/outer/node_modules/${name}`],
});
const shipped = new Set(["node_modules/outer/node_modules/inside"]);
const exception: Exception = { advisory: "GHSA-2345-6789-cfgh", reason: "We never call what it is about.", until: "2026-12-31" };
const verdictOf = (name: string, severity: Severity, exceptions: readonly Exception[] = [], today = "2026-11-28") => {
  const [judged] = judge([advisory(name, severity)], shipped, exceptions, today);
  return { shipped: judged?.shipped, fails: judged?.fails, because: judged?.because };
};

describe("an advisory", () => {
  it.each(["critical", "high", "moderate", "low", "info"] as const)(
    "of severity %s against what is shipped stops us",
    (severity) => {
      expect(verdictOf("inside", severity)).toEqual({ shipped: true, fails: true, because: "it is in the image" });
    },
  );

  it.each([
    ["critical", true],
    ["high", true],
    ["moderate", false],
    ["low", false],
    ["info", false],
  ] as const)("of severity %s against what is not shipped: stops us is %s", (severity, fails) => {
    expect(verdictOf("outside", severity)).toMatchObject({ shipped: false, fails });
  });

  it("may be excepted up to a day, and fails after it", () => {
    expect(verdictOf("inside", "high", [exception], "2026-12-31")).toMatchObject({ fails: false });
    expect(verdictOf("inside", "high", [exception], "2027-01-01")).toMatchObject({
      fails: true,
      because: "its exception ended on 2026-12-31",
    });
    expect(verdictOf("inside", "high", [{ ...exception, advisory: "GHSA-xxxx-xxxx-xxxx" }])).toMatchObject({ fails: true });
  });

  it("comes in the order of what to do first", () => {
    const judged = judge(
      [advisory("outside", "low"), advisory("outside", "critical"), advisory("inside", "low"), advisory("inside", "high")],
      shipped,
      [],
      "2026-11-28",
    );
    expect(judged.map(({ package: name, severity }) => `${name} ${severity}`)).toEqual([
      "inside high",
      "inside low",
      "outside critical",
      "outside low",
    ]);
  });
});

describe("the list of exceptions", () => {
  it("is in order", async () => {
    expect(
      exceptionProblems(JSON.parse(await readFile(new URL("exceptions.json", import.meta.url), "utf8")) as Exception[]),
    ).toEqual([]);
  });

  it.each([
    [{ ...exception, advisory: "CVE-2026-1" }, "is no id of an advisory"],
    [{ ...exception, reason: "fine" }, "the reason says too little"],
    [{ ...exception, until: "soon" }, "until soon is no day"],
    [{ ...exception, until: "2026-13-01" }, "until 2026-13-01 is no day"],
  ])("is not, with %j", (wrong, problem) => {
    expect(exceptionProblems([exception, wrong])).toEqual([expect.stringContaining(problem)]);
  });

  it("shows what it holds for nothing", () => {
    expect(needless([exception], [])).toEqual([exception]);
    expect(needless([exception], [advisory("inside", "low")])).toEqual([]);
  });
});
