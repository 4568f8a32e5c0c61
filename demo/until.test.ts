import { describe, expect, it } from "vitest";
import { until } from "./until.ts";

const signal = new AbortController().signal;

describe("waiting", () => {
  it("gives what the check found", async () => {
    let tries = 0;
    expect(await until({ what: "it", timeoutMs: 5_000, everyMs: 1, signal }, () => (++tries === 3 ? "found" : undefined))).toBe(
      "found",
    );
  });

  it("says what did not come, and what is known about it", async () => {
    const patience = { what: "the bus", timeoutMs: 5, everyMs: 1, signal, detail: () => "it is Sunday" };
    await expect(until(patience, () => false)).rejects.toThrow(/^waited 0 s for the bus, in vain: it is Sunday$/);
  });

  it("gives up when nothing moves any more, long before the time is over", async () => {
    const patience = { what: "the bus", timeoutMs: 600_000, everyMs: 1, stallMs: 5, mark: () => "same", signal };
    await expect(until(patience, () => false)).rejects.toThrow("in vain");
  });

  it("waits on while something moves", async () => {
    let tries = 0;
    const patience = { what: "it", timeoutMs: 5_000, everyMs: 2, stallMs: 500, mark: () => String(tries), signal };
    expect(await until(patience, () => ++tries > 5)).toBe(true);
  });

  it("ends with the reason of an abort", async () => {
    const stop = new AbortController();
    const waiting = until({ what: "it", timeoutMs: 600_000, signal: stop.signal }, () => false);
    stop.abort(new Error("interrupted"));
    await expect(waiting).rejects.toThrow("interrupted");
  });
});
