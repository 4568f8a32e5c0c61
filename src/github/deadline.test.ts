import { describe, expect, it } from "vitest";
import { abortable, withDeadline } from "./deadline.ts";
import { GitHubError } from "./errors.ts";

const never = new AbortController().signal;

/** Rejects with the signal's reason, as everything does that takes a signal. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

describe("withDeadline", () => {
  it("returns what the call returns", async () => {
    await expect(withDeadline("getApp", 1_000, never, () => Promise.resolve(42))).resolves.toBe(42);
  });

  it("says after its limit that the outcome is unknown", async () => {
    await expect(withDeadline("mintJitConfig", 20, never, untilAborted)).rejects.toMatchObject({
      code: "Unavailable",
      message: "GitHub did not register a runner within 0.02 s; the outcome is unknown",
    });
  });

  it("throws the caller's reason when the caller gave up", async () => {
    const caller = new AbortController();
    const call = withDeadline("getApp", 60_000, caller.signal, untilAborted);
    const reason = new Error("shutdown");
    caller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(withDeadline("getApp", 60_000, caller.signal, () => Promise.resolve(1))).rejects.toBe(reason);
  });

  it("leaves the errors of the call alone", async () => {
    const error = new GitHubError("Forbidden", "no");
    await expect(withDeadline("getApp", 60_000, never, () => Promise.reject(error))).rejects.toBe(error);
  });
});

describe("abortable", () => {
  it("stops waiting without stopping what others wait for", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const caller = new AbortController();
    const impatient = abortable(promise, caller.signal);
    const patient = abortable(promise, never);
    caller.abort(new Error("gave up"));
    await expect(impatient).rejects.toThrow("gave up");
    resolve("done");
    await expect(patient).resolves.toBe("done");
  });

  it("leaves no rejection unhandled when nobody waits any more", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const { promise, reject } = Promise.withResolvers<string>();
      await expect(abortable(promise, AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
      reject(new Error("failed later"));
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("unhandledRejection", listener);
    }
    expect(unhandled).toEqual([]);
  });
});
