import { describe, expect, it } from "vitest";
import { Backoff } from "./backoff.ts";

describe("Backoff", () => {
  it("doubles up to its limit, between half and the whole of each step", () => {
    const longest = new Backoff({ minMs: 200, maxMs: 1_000, random: () => 1 });
    expect([1, 2, 3, 4, 5].map(() => longest.next())).toEqual([200, 400, 800, 1_000, 1_000]);
    const shortest = new Backoff({ minMs: 200, maxMs: 1_000, random: () => 0 });
    expect([1, 2, 3, 4, 5].map(() => shortest.next())).toEqual([100, 200, 400, 500, 500]);
  });

  it("starts again after a reset", () => {
    const backoff = new Backoff({ minMs: 200, maxMs: 1_000, random: () => 1 });
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(200);
  });
});
