import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("turns of one key come one after the other, in their order", async () => {
  const turns = new Turns();
  const happened: string[] = [];
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const all = gates.map((gate, index) =>
    turns.take("a", async () => {
      happened.push(`begin ${index}`);
      await gate.promise;
      happened.push(`end ${index}`);
      return index;
    }),
  );
  for (const gate of gates.toReversed()) gate.resolve();
  expect(await Promise.all(all)).toEqual([0, 1, 2]);
  expect(happened).toEqual(["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
  expect(turns.size).toBe(0);
});

test("turns of different keys wait for nobody", async () => {
  const turns = new Turns();
  const gate = Promise.withResolvers<void>();
  const slow = turns.take("a", () => gate.promise);
  expect(await turns.take("b", () => Promise.resolve("done"))).toBe("done");
  gate.resolve();
  await slow;
});

test("a turn that fails ends", async () => {
  const turns = new Turns();
  const failed = turns.take("a", () => Promise.reject(new Error("broken")));
  const next = turns.take("a", () => Promise.resolve("done"));
  await expect(failed).rejects.toThrow("broken");
  expect(await next).toBe("done");
  expect(turns.size).toBe(0);
});

test("who leaves the line lets nobody in before those who came earlier", async () => {
  const turns = new Turns();
  const gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  let worked = false;
  const first = turns.take("a", () => gate.promise);
  const second = turns.take(
    "a",
    () => {
      worked = true;
      return Promise.resolve();
    },
    leaving.signal,
  );
  let third = false;
  const last = turns.take("a", () => {
    third = true;
    return Promise.resolve();
  });
  leaving.abort(new Error("no time left"));
  await expect(second).rejects.toThrow("no time left");
  expect([worked, third]).toEqual([false, false]);
  gate.resolve();
  await Promise.all([first, last]);
  expect([worked, third]).toEqual([false, true]);
  expect(turns.size).toBe(0);
});

test("who comes too late does nothing", async () => {
  const turns = new Turns();
  const gate = Promise.withResolvers<void>();
  const first = turns.take("a", () => gate.promise);
  const late = turns.take("a", () => Promise.resolve("done"), AbortSignal.abort(new Error("no time left")));
  await expect(late).rejects.toThrow("no time left");
  gate.resolve();
  await first;
});
