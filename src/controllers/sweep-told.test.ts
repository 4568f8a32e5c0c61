import { expect, it } from "vitest";
import { Told } from "./sweep-told.ts";

it("says each thing once until it is gone, in each place", () => {
  const told = new Told();
  expect(told.first("a", "1", "busy")).toBe(true);
  expect(told.first("a", "1", "busy")).toBe(false);
  expect(told.first("a", "1", "removed")).toBe(true);
  expect(told.first("b", "1", "busy")).toBe(true);
  told.keep("a", new Set(["1", "2"]));
  expect(told.first("a", "1", "busy")).toBe(false);
  told.keep("a", new Set(["2"]));
  expect(told.first("a", "1", "busy")).toBe(true);
  told.keepPlaces(new Set(["b"]));
  expect([told.first("a", "1", "busy"), told.first("b", "1", "busy")]).toEqual([true, false]);
});
