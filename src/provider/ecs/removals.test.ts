import { expect, test, vi } from "vitest";
import type { Logger } from "../../telemetry/log.ts";
import { ProviderError } from "../errors.ts";
import type { S3Object } from "./delivery-object.ts";
import { Removals } from "./removals.ts";
import type { S3Store } from "./s3-store.ts";

const connection = { region: "us-east-1", cluster: "runners" };
const signal = new AbortController().signal;
const object = (key: string): S3Object => ({ bucket: "handover", key });

/** Removals from a store that answers when it is told. */
function bench() {
  const asked: { readonly key: string; readonly answer: (error?: Error) => void }[] = [];
  const remove = vi.fn<S3Store["delete"]>(async (_, { key }, until) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    until.addEventListener("abort", () => reject(until.reason as Error), { once: true });
    asked.push({ key, answer: (error) => (error === undefined ? resolve() : reject(error)) });
    return promise;
  });
  const lines: string[] = [];
  const line = (level: string) => (facts: { readonly why: string }) => lines.push(`${level} ${facts.why}`);
  const log = { warn: line("warn"), debug: line("debug") } as unknown as Logger;
  const removals = new Removals({ delete: remove } as unknown as S3Store, log);
  return { removals, asked, remove, lines };
}

const denied = new ProviderError("Unauthorized", "may not");

test("an object is removed once, however often it is asked for", async () => {
  const { removals, asked, remove } = bench();
  removals.remove(connection, object("a"));
  removals.remove(connection, object("a"));
  asked[0]?.answer();
  await removals.close();
  expect(remove).toHaveBeenCalledOnce();
});

test("what was removed is not removed again, until it is put anew", async () => {
  const { removals, asked, remove } = bench();
  removals.remove(connection, object("a"));
  asked[0]?.answer();
  await removals.keep(object("b"), signal);
  await expect.poll(() => asked).toHaveLength(1);
  removals.remove(connection, object("a"));
  expect(remove).toHaveBeenCalledOnce();
  await removals.keep(object("a"), signal);
  removals.remove(connection, object("a"));
  expect(remove).toHaveBeenCalledTimes(2);
});

test("putting waits for a removal of the same object that is under way, no longer than its signal", async () => {
  const { removals, asked } = bench();
  removals.remove(connection, object("a"));
  const kept = vi.fn<() => void>();
  const keeping = removals.keep(object("a"), signal).then(kept);
  await removals.keep(object("b"), signal);
  expect(kept).not.toHaveBeenCalled();
  const controller = new AbortController();
  const impatient = removals.keep(object("a"), controller.signal);
  controller.abort(new Error("given up"));
  await expect(impatient).rejects.toThrow("given up");
  asked[0]?.answer();
  await keeping;
  expect(kept).toHaveBeenCalledOnce();
});

test("a removal that has not begun is called off by putting", async () => {
  const { removals, asked, remove } = bench();
  for (let number = 0; number < 9; number++) removals.remove(connection, object(`o${number}`));
  expect(asked).toHaveLength(8);
  await removals.keep(object("o8"), signal);
  for (const { answer } of asked) answer();
  await removals.close();
  expect(remove).toHaveBeenCalledTimes(8);
});

test("one that failed is tried at the next look, and a row of failures is one warning", async () => {
  const { removals, asked, lines } = bench();
  for (const key of ["a", "b"]) {
    removals.remove(connection, object(key));
    asked.at(-1)?.answer(denied);
    await removals.keep(object("other"), signal);
  }
  await expect.poll(() => lines).toEqual(["warn may not", "debug may not"]);
  removals.remove(connection, object("a"));
  expect(asked.map(({ key }) => key)).toEqual(["a", "b", "a"]);
});

test("what waits is bounded; the rest is for the next look", async () => {
  const { removals, asked } = bench();
  for (let number = 0; number < 5_000; number++) removals.remove(connection, object(`o${number}`));
  expect(asked).toHaveLength(8);
  for (let done = 0; done < asked.length; done++) {
    asked[done]?.answer();
    await new Promise(setImmediate);
  }
  expect(asked).toHaveLength(1_008);
});

test("closing gives up, without a word", async () => {
  const { removals, lines } = bench();
  for (let number = 0; number < 20; number++) removals.remove(connection, object(`o${number}`));
  await removals.close();
  expect(lines).toEqual([]);
  removals.remove(connection, object("late"));
});
