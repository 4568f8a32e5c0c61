import { describe, expect, it } from "vitest";
import { median, quantile, spreadOf } from "./statistics.ts";

describe("statistics", () => {
  it.each([
    [0, 1],
    [0.5, 3],
    [0.8, 4],
    [0.99, 5],
    [1, 5],
  ])("take quantile %d of 1 to 5 by the nearest rank", (q, value) => {
    expect(quantile([5, 3, 1, 4, 2], q)).toBe(value);
  });

  it("have a median that was measured, and none of nothing", () => {
    expect(median([10, 1, 2, 3])).toBe(2);
    expect(median([])).toBe(0);
  });

  it("sum runs up", () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  });
});
