import { expect, test } from "vitest";
import { BoundedMap } from "./bounded-map.ts";

test("the oldest entries are forgotten when it would grow beyond its size", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([undefined, 2, 3]);
});

test("writing an entry again makes it the newest", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  expect([...map.values()]).toEqual([3, 4]);
});

test("entries can be taken out one by one and all at once", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  expect([map.delete("a"), map.delete("a")]).toEqual([true, false]);
  map.set("b", 2);
  map.clear();
  expect(map.get("b")).toBeUndefined();
});
