import { expect, it } from "vitest";
import { EarlyObservations } from "./early-observations.ts";

it("keeps the newest of each instance, and of all the latest that were told of", () => {
  const early = new EarlyObservations(2);
  const note = (id: string, version: number): boolean => early.note({ id, version, state: "Pending" });
  expect([note("a", 1), note("b", 1), note("a", 2), note("a", 1), note("c", 1)]).toEqual([true, true, true, false, true]);
  expect(early.get("b")).toBeUndefined();
  expect(early.take("a")).toMatchObject({ version: 2 });
  expect(early.take("a")).toBeUndefined();
});
