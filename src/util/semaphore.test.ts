import { expect, test } from "vitest";
import { Semaphore } from "./semaphore.ts";

test("so many go on at a time, and the others in their order", async () => {
  const semaphore = new Semaphore(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const all = gates.map((gate, index) =>
    semaphore.run(async () => {
      begun.push(index);
      await gate.promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  expect(semaphore.waiting).toBe(3);
  gates[1]?.resolve();
  await all[1];
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

test("a work that fails makes room, and tells why", async () => {
  const semaphore = new Semaphore(1);
  await expect(semaphore.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await semaphore.run(() => Promise.resolve("done"))).toBe("done");
});

test("who leaves the line does not work, and takes nobody's place", async () => {
  const semaphore = new Semaphore(1);
  const gate = Promise.withResolvers<void>();
  const first = semaphore.run(() => gate.promise);
  const leaving = new AbortController();
  let worked = false;
  const second = semaphore.run(() => {
    worked = true;
    return Promise.resolve();
  }, leaving.signal);
  const third = semaphore.run(() => Promise.resolve("third"));
  leaving.abort(new Error("no time left"));
  await expect(second).rejects.toThrow("no time left");
  gate.resolve();
  await first;
  expect(await third).toBe("third");
  expect(worked).toBe(false);
  expect(semaphore.waiting).toBe(0);
});

test("one of no places is refused", () => {
  expect(() => new Semaphore(0)).toThrow(RangeError);
});
