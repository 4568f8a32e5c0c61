import { expect, test } from "vitest";
import { inPool } from "./in-pool.ts";

test("works on every item once, and never on more than its size at a time", async () => {
  const done: number[] = [];
  let busy = 0;
  let most = 0;
  await inPool([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    busy += 1;
    most = Math.max(most, busy);
    await Promise.resolve();
    busy -= 1;
    done.push(item);
  });
  expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("begins nothing after a failure, and throws it once what was under way has ended", async () => {
  const begun: number[] = [];
  const slow = Promise.withResolvers<void>();
  let ended = false;
  const running = inPool([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error("first");
    await slow.promise;
    ended = true;
  });
  slow.resolve();
  await expect(running).rejects.toThrow("first");
  expect([begun, ended]).toEqual([[1, 2], true]);
});
