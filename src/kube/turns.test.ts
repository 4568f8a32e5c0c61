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
  await expect.poll(() => turns.size).toBe(0);
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
  await expect.poll(() => turns.size).toBe(0);
});

test("who leaves the line lets nobody in before those who came earlier", async () => {
  const turns = new Turns(60_000);
  const gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const worked: string[] = [];
  const work = (name: string) => () => {
    worked.push(name);
    return Promise.resolve();
  };
  const first = turns.take("a", () => gate.promise);
  const second = turns.take("a", work("second"), leaving.signal);
  const third = turns.take("a", work("third"));
  leaving.abort(new Error("no time left"));
  await expect(second).rejects.toThrow("no time left");
  expect(worked).toEqual([]);
  gate.resolve();
  await Promise.all([first, third]);
  expect(worked).toEqual(["third"]);
  await expect.poll(() => turns.size).toBe(0);
});

test("who comes after the last in line has left waits for the one that works", async () => {
  const turns = new Turns(60_000);
  const gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const first = turns.take("a", () => gate.promise);
  const last = turns.take("a", () => Promise.resolve(), leaving.signal);
  leaving.abort(new Error("no time left"));
  await expect(last).rejects.toThrow("no time left");
  let over = false;
  const next = turns.take("a", () => Promise.resolve(over));
  over = true;
  gate.resolve();
  await first;
  expect(await next).toBe(true);
});

test("nobody waits for long for a turn that hangs", async () => {
  const turns = new Turns(20);
  const gate = Promise.withResolvers<void>();
  const hanging = turns.take("a", () => gate.promise);
  expect(await turns.take("a", () => Promise.resolve("done"))).toBe("done");
  gate.resolve();
  await hanging;
  await expect.poll(() => turns.size).toBe(0);
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
