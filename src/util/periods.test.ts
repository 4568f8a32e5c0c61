import { expect, it } from "vitest";
import { scaled } from "./periods.ts";

it("divides every waiting time and leaves the table alone", () => {
  const periods = { shortMs: 1_000, longMs: 60_000 };
  expect(scaled(periods, 20)).toEqual({ shortMs: 50, longMs: 3_000 });
  expect(periods).toEqual({ shortMs: 1_000, longMs: 60_000 });
});
