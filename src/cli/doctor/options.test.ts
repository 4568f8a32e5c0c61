import { expect, test } from "vitest";
import type { OptionsError } from "../flags.ts";
import { isAskedFor, parseDoctorOptions } from "./options.ts";

test("without options everything is looked at, for 20 s a check", () => {
  expect(parseDoctorOptions([], {})).toMatchObject({
    namespace: undefined,
    only: [],
    timeoutMs: 20_000,
    json: false,
    as: undefined,
  });
});

test("--as takes a service account by its short name", () => {
  expect(parseDoctorOptions(["--as", "ci/getabako"], {}).as).toBe("system:serviceaccount:ci:getabako");
  expect(parseDoctorOptions(["--as", "jane@acme"], {}).as).toBe("jane@acme");
});

test("--only takes kubectl's short names", () => {
  expect(parseDoctorOptions(["--only", "gha/acme, rt,RunnerRequest/team/job-1"], {}).only).toEqual([
    "githubapp/acme",
    "runnertarget",
    "runnerrequest/team/job-1",
  ]);
});

test("all problems are told at once", () => {
  const problems = (): readonly string[] => {
    try {
      parseDoctorOptions(["--only", "pod/a", "--timeout", "0", "-o", "yaml"], {});
      return [];
    } catch (error) {
      return (error as OptionsError).problems;
    }
  };
  expect(problems()).toEqual([
    '--output: "yaml" is not one of text, json',
    '--timeout: "0" is not a number of seconds from 1 to 300',
    expect.stringMatching(/^--only: "pod" is not one of kubernetes, crd/),
  ]);
});

test.each([
  ["githubapp/team/acme", [], true],
  ["githubapp/team/acme", ["githubapp"], true],
  ["githubapp/team/acme", ["githubapp/acme"], true],
  ["githubapp/team/acme", ["githubapp/team/acme"], true],
  ["githubapp/team/acme", ["githubapp/other/acme"], false],
  ["githubapp/team/acme", ["runnertarget"], false],
  ["operator", ["operator"], true],
])("%s with --only %j: %s", (object, only, asked) => {
  expect(isAskedFor(object, only)).toBe(asked);
});
