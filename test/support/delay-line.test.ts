import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { delayLine } from "./delay-line.ts";

it("holds everything back for its lag, in order, and what comes at once no longer than that", async () => {
  const chunks = Array.from({ length: 50 }, (_, index) => `${index} `);
  const lags = chunks.map((_, index) => (index < 40 ? 100 : 0));
  const began = performance.now();
  const line = Readable.from(chunks, { objectMode: false }).pipe(delayLine(() => lags.shift() ?? 0));
  const came: string[] = [];
  for await (const chunk of line) came.push(String(chunk));
  expect(came.join("")).toBe(chunks.join(""));
  const tookMs = performance.now() - began;
  expect(tookMs).toBeGreaterThanOrEqual(99);
  // One after the other it would be four seconds.
  expect(tookMs).toBeLessThan(3_000);
});

it("lets a slow reader be felt, as long as there is no lag", async () => {
  let taken = 0;
  const endless = new Readable({
    read() {
      taken += 1;
      this.push(Buffer.alloc(16_384));
    },
  });
  const line = endless.pipe(delayLine(() => 0));
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  expect(taken).toBeLessThan(20);
  endless.destroy();
  line.destroy();
});

it("holds nothing up when its reader leaves", async () => {
  const source = new Readable({ read() {} });
  source.push("never seen");
  const line = delayLine(() => 3_600_000);
  const piped = pipeline(source, line, async function* leave(chunks) {
    yield* [];
    void chunks;
  });
  await nextTurn();
  line.destroy();
  await expect(piped).rejects.toThrow();
  expect(source.destroyed).toBe(true);
});
