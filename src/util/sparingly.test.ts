import { expect, test } from "vitest";
import { Sparingly } from "./sparingly.ts";

test("says each kind once a period, and then how many it passed over", () => {
  let now = 0;
  const log = new Sparingly<"a" | "b">(100, () => now);
  expect([log.due("a"), log.due("a"), log.due("a"), log.due("b")]).toEqual([0, undefined, undefined, 0]);
  now = 99;
  expect(log.due("a")).toBeUndefined();
  now = 100;
  expect([log.due("a"), log.due("b")]).toEqual([3, 0]);
  now = 200;
  expect(log.due("a")).toBe(0);
});
