import { expect, it } from "vitest";
import { missingFrom, settled } from "./compare.ts";

it("lines are alike but for what differs from run to run", () => {
  const one = "job-31415926535   Running   acme/web: build   2m3s   v1.36.3  10.213.4.1:4711  getabako-7d89cddc97-8wtkw";
  const other = "job-50000000001 Running acme/web: build 12s v1.37.0 172.18.0.2:80 getabako-5c9f8b7d64-zzq2v";
  expect(settled(one)).toBe(settled(other));
  expect(settled(one)).not.toBe(settled(one.replace("Running", "Pending")));
  expect(settled(one)).not.toBe(settled(one.replace("build", "test")));
});

const printed = "NAME   PHASE\njob-31000000001  Running\njob-31000000001  Succeeded\nand more words\n";

it.each([
  ["in order, with others between", ["NAME PHASE", "job-1234567 Succeeded"], undefined],
  ["the beginning of a line", ["and more..."], undefined],
  ["the end of a line", ["... words"], undefined],
  ["the middle of a line", ["... more ..."], undefined],
  ["in another order", ["job-1234567 Succeeded", "job-1234567 Running"], "job-1234567 Running"],
  ["twice what is there once", ["NAME PHASE", "NAME PHASE"], "NAME PHASE"],
  ["a line that is longer", ["job-1234567"], "job-1234567"],
])("%s", (_name, expected, missing) => {
  expect(missingFrom(printed, expected)).toBe(missing);
});
