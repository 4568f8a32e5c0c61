import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { licenceProblem, type LockedDependency, problemsOfLockfile } from "./licence-policy.ts";

it("has the licence of every package that the lockfile may install", async () => {
  const lock = JSON.parse(await readFile(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
    packages: Record<string, LockedDependency>;
  };
  expect(Object.keys(lock.packages).length).toBeGreaterThan(100);
  expect(problemsOfLockfile(lock.packages)).toEqual([]);
});

it("lets files of the MPL build and test, and not be shipped", () => {
  const packages = {
    "": { license: "MIT" },
    "node_modules/tool": { version: "1.0.0", license: "MPL-2.0", dev: true },
    "node_modules/a/node_modules/@scope/part": { version: "2.0.0", license: "MPL-2.0" },
    "node_modules/nameless": { version: "3.0.0", dev: true },
  };
  expect(problemsOfLockfile(packages)).toEqual([
    "@scope/part 2.0.0: MPL-2.0 is not in the list of licences for what is shipped",
    "nameless 3.0.0: it names no licence",
  ]);
});

it.each(["MIT", "(MIT OR GPL-3.0-only)", "MIT AND ISC"])("accepts %j", (licence) => {
  expect(licenceProblem(licence, "shipped")).toBeUndefined();
});

it.each([
  ["MIT AND GPL-3.0-only", "not in the list"],
  ["Apache-2.0+", "not in the list"],
  ["GPL-2.0-only WITH Classpath-exception-2.0", "not in the list"],
  ["SEE LICENSE IN LICENSE.txt", "is no SPDX expression"],
  ["UNLICENSED", "is no SPDX expression"],
  ["", "names no licence"],
])("refuses %j", (licence, problem) => {
  expect(licenceProblem(licence, "shipped")).toContain(problem);
});
