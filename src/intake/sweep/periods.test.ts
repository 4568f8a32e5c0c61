import { expect, it } from "vitest";
import { periods, scaled } from "./periods.ts";

it("scales every period alike, and none to nothing", () => {
  const fast = scaled(periods, 60);
  expect(Object.keys(fast)).toEqual(Object.keys(periods));
  expect(fast.redeliveryMs).toBe(5_000);
  expect(Object.values(scaled(periods, 1e12))).toEqual(Object.values(periods).map(() => 1));
  expect(scaled(periods, 1)).toEqual(periods);
  expect(() => scaled(periods, 0)).toThrow(RangeError);
  expect(() => scaled(periods, Number.NaN)).toThrow(RangeError);
});
