import { expect, it } from "vitest";
import { scaled } from "./periods.ts";

it("divides every waiting time and leaves the table alone", () => {
  const periods = { shortMs: 1_000, longMs: 60_000 };
  expect(scaled(periods, 20)).toEqual({ shortMs: 50, longMs: 3_000 });
  expect(periods).toEqual({ shortMs: 1_000, longMs: 60_000 });
  expect(scaled(periods, 1)).toEqual(periods);
});

it("leaves at least a millisecond, and refuses what would make times longer or endless", () => {
  expect(scaled({ shortMs: 3, longMs: 60_000 }, 1e9)).toEqual({ shortMs: 1, longMs: 1 });
  for (const divisor of [0, 0.5, -1, Number.NaN]) expect(() => scaled({ shortMs: 3 }, divisor)).toThrow(RangeError);
});
