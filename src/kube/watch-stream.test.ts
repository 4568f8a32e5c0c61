import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "./object.ts";
import { readWatch, splitLines, type WatchEvent } from "./watch-stream.ts";

const options = { doing: "watch things", quote: true, idleTimeoutMs: 10_000 };

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

const read = (text: string): Promise<WatchEvent<KubeObject>[]> => collect(readWatch(Readable.from([Buffer.from(text)]), options));

describe("splitLines", () => {
  const text = '{"a":1}\n{"name":"下駄箱 🥿"}\n\n{"b":2}\nhalf';
  const lines = ['{"a":1}', '{"name":"下駄箱 🥿"}', "", '{"b":2}'];

  it.each([1, 2, 3, 5, 7, 1_000])("finds the same lines in pieces of %d bytes, also where they cut a character", async (size) => {
    const bytes = Buffer.from(text);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    expect(await collect(splitLines(Readable.from(pieces)))).toEqual(lines);
  });

  it("refuses a line that has no end", async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1024 * 1024, "x");
      })(),
    );
    await expect(collect(splitLines(endless))).rejects.toMatchObject({ name: "DecodeError" });
  });
});

describe("readWatch", () => {
  it("decodes events and bookmarks", async () => {
    const object = { apiVersion: "v1", kind: "Thing", metadata: { name: "a", resourceVersion: "5" } };
    const bookmark = { kind: "Thing", apiVersion: "v1", metadata: { resourceVersion: "9", creationTimestamp: null }, spec: {} };
    const lines = [
      { type: "ADDED", object },
      { type: "MODIFIED", object },
      { type: "DELETED", object },
      { type: "BOOKMARK", object: bookmark },
    ].map((event) => `${JSON.stringify(event)}\n`);
    expect(await read(lines.join(""))).toEqual([
      { type: "ADDED", object },
      { type: "MODIFIED", object },
      { type: "DELETED", object },
      { type: "BOOKMARK", resourceVersion: "9" },
    ]);
  });

  it("throws the error that a server sends inside a watch", async () => {
    const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version: 1 (2)" };
    await expect(read(`${JSON.stringify({ type: "ERROR", object: status })}\n`)).rejects.toMatchObject({
      name: "ApiError",
      status: 410,
      reason: "Expired",
    });
  });

  it.each(["{nonsense\n", '{"type":"EXPLODED","object":{}}\n'])("throws at what is no event: %s", async (text) => {
    await expect(read(text)).rejects.toMatchObject({ name: "DecodeError" });
  });

  it("throws when nothing comes for too long, and closes the stream", async () => {
    const silent = new Readable({ read: () => undefined });
    await expect(collect(readWatch(silent, { ...options, idleTimeoutMs: 20 }))).rejects.toMatchObject({ name: "IdleError" });
    expect(silent.destroyed).toBe(true);
  });

  it("throws the reason of an aborted signal", async () => {
    const stop = new AbortController();
    const silent = new Readable({ read: () => undefined });
    const reading = collect(readWatch(silent, { ...options, signal: stop.signal }));
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    await expect(
      collect(readWatch(new Readable({ read: () => undefined }), { ...options, signal: stop.signal })),
    ).rejects.toThrow("enough");
  });

  it("calls a cut connection Unavailable", async () => {
    const cut = new Readable({ read: () => undefined });
    const reading = collect(readWatch(cut, options));
    cut.destroy(Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }));
    await expect(reading).rejects.toMatchObject({ name: "ApiError", status: 0, reason: "Unavailable" });
  });
});
