import { expect, it } from "vitest";
import { pages } from "./pages.ts";

async function collect(total: number): Promise<{ count: number; fetched: number }> {
  let fetched = 0;
  let count = 0;
  const items = pages((page) => {
    fetched += 1;
    return Promise.resolve(Array.from({ length: Math.max(0, Math.min(100, total - (page - 1) * 100)) }, (_, index) => index));
  });
  for await (const _ of items) count += 1;
  return { count, fetched };
}

it.each([
  [0, 1],
  [99, 1],
  [100, 2],
  [250, 3],
])("pages reads all %i items in %i calls", async (total, fetched) => {
  expect(await collect(total)).toEqual({ count: total, fetched });
});

it("pages refuses a list without end instead of returning a part of it", async () => {
  await expect(collect(1_000_000)).rejects.toMatchObject({ code: "Invalid" });
});
