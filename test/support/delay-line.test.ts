import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { delayLine } from "./delay-line.ts";

it("passes everything on after its lag, in order, and what comes at once at once", async () => {
  const lags = [60, 60, 0, 0];
  const began = performance.now();
  const line = Readable.from(["a", "b", "c", "d"], { objectMode: false }).pipe(delayLine(() => lags.shift() ?? 0));
  const came: string[] = [];
  for await (const chunk of line) came.push(String(chunk));
  expect(came.join("")).toBe("abcd");
  expect(performance.now() - began).toBeGreaterThanOrEqual(59);
});

it("ends at once when nobody reads any more", async () => {
  const line = delayLine(() => 3_600_000);
  line.write("never seen");
  line.destroy();
  await expect(line.toArray()).rejects.toThrow();
});
