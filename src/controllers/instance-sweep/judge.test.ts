import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Instance } from "../../provider/types.ts";
import { type Life, lifeOf, newRequest } from "../../request/testing.ts";
import { judgeInstance } from "./judge.ts";

function instance(id: string, attempt: number | undefined): Instance {
  return { id, state: "Running", version: 1, requestUid: "u", attempt, runnerName: `job-1-${attempt ?? 1}` };
}

describe("judgeInstance", () => {
  it.each<[string, Life, string, number | undefined, ReturnType<typeof judgeInstance>]>([
    ["the stored instance of the open attempt", { open: true, stored: "i-1" }, "i-1", 1, "owned"],
    ["the first attempt, of which nothing is stored", {}, "i-1", 1, "unrecorded"],
    ["an open attempt that was refused and went on", { open: true }, "i-1", 1, "unrecorded"],
    ["the attempt after one that ended", { closed: 1 }, "i-2", 2, "unrecorded"],
    ["an attempt that ended", { closed: 1 }, "i-1", 1, "superseded"],
    ["an attempt before the open one", { closed: 1, open: true, stored: "i-2" }, "i-1", 1, "superseded"],
    ["a second instance of the open attempt", { open: true, stored: "i-1" }, "i-9", 1, "doubled"],
    ["an attempt that the local copy does not have yet", { open: true, stored: "i-1" }, "i-2", 2, "owned"],
    ["an attempt far ahead of the local copy", { closed: 1 }, "i-4", 4, "owned"],
    ["a request that has its outcome", { closed: 1, finished: true }, "i-2", 2, "superseded"],
    ["a request that is being deleted", { deleted: true }, "i-1", 1, "unrecorded"],
    ["a request that was cleaned up", { closed: 1, stored: "i-1", finished: true, finalizer: false }, "i-1", 1, "superseded"],
    ["an instance that does not tell its attempt", { open: true, stored: "i-1" }, "i-9", undefined, "owned"],
  ])("%s", (_, shape, id, attempt, verdict) => {
    expect(judgeInstance(instance(id, attempt), lifeOf(shape))).toBe(verdict);
  });

  it("calls an instance without a request an orphan, and waits for one that was made by hand and never visited", () => {
    expect(judgeInstance(instance("i-1", 1), undefined)).toBe("orphan");
    const { metadata, ...request } = newRequest();
    const { finalizers: _, ...bare } = metadata;
    expect(judgeInstance(instance("i-1", 1), { ...request, metadata: bare })).toBe("owned");
  });

  it("never counts anything against the instance of a live open attempt, nor against one that is newer than the local copy", () => {
    fc.assert(
      fc.property(fc.nat(4), fc.boolean(), fc.integer({ min: 1, max: 8 }), fc.boolean(), (closed, open, attempt, deleted) => {
        const request = lifeOf({ closed, open, deleted, ...(open && { stored: "i-1" }) });
        const verdict = judgeInstance(instance("i-1", attempt), request);
        expect(attempt > closed ? ["owned", "unrecorded"] : ["superseded"]).toContain(verdict);
      }),
    );
  });
});
