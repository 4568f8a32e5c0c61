import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Attempt, RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import type { Instance } from "../../provider/types.ts";
import { observe, openStatus } from "../../request/status.ts";
import { newRequest } from "../../request/testing.ts";
import { judgeInstance } from "./judge.ts";

const nowMs = Date.parse("2026-01-15T09:00:00Z");

interface Shape {
  /** Attempts that have ended, by how many, and whether another one is open. */
  closed?: number;
  open?: boolean;
  /** Id of the stored instance. */
  stored?: string;
  finished?: boolean;
  deleted?: boolean;
  finalizer?: boolean;
}

function requestOf({ closed = 0, open = false, stored, finished, deleted, finalizer = true }: Shape): RunnerRequest {
  const request = newRequest(deleted === true ? { deletedAt: "2026-01-15T09:00:00Z" } : {});
  const status = openStatus(request, nowMs);
  const attempt = (number: number): Attempt => ({ number, startedAt: "2026-01-15T09:00:00Z" });
  for (let number = 1; number <= closed; number += 1)
    status.attempts.push({ ...attempt(number), endedAt: "2026-01-15T09:01:00Z", reason: "NoJob" });
  if (open) status.attempts.push(attempt(closed + 1));
  if (stored !== undefined) {
    const classRef = { kind: "ECSRunnerClass", namespace: "default", name: "fargate" };
    status.instance = { providerId: stored, state: "Running", classRef, connection: {} };
  }
  if (finished === true) observe(status, "Succeeded", "True", "JobCompleted", "", nowMs);
  const { finalizers = [], ...metadata } = request.metadata;
  return { ...request, metadata: { ...metadata, ...(finalizer && { finalizers }) }, status };
}

function instance(id: string, attempt: number | undefined): Instance {
  return { id, state: "Running", version: 1, requestUid: "u", attempt, runnerName: `job-1-${attempt ?? 1}` };
}

describe("judgeInstance", () => {
  it.each<[string, Shape, string, number | undefined, ReturnType<typeof judgeInstance>]>([
    ["the stored instance of the open attempt", { open: true, stored: "i-1" }, "i-1", 1, "owned"],
    ["the first attempt, of which nothing is stored", {}, "i-1", 1, "unrecorded"],
    ["an open attempt that was refused and went on", { open: true }, "i-1", 1, "unrecorded"],
    ["the attempt after one that ended", { closed: 1 }, "i-2", 2, "unrecorded"],
    ["an attempt that ended", { closed: 1 }, "i-1", 1, "superseded"],
    ["an attempt before the open one", { closed: 1, open: true, stored: "i-2" }, "i-1", 1, "superseded"],
    ["a second instance of the open attempt", { open: true, stored: "i-1" }, "i-9", 1, "superseded"],
    ["an attempt that the local copy does not have yet", { open: true, stored: "i-1" }, "i-2", 2, "owned"],
    ["an attempt far ahead of the local copy", { closed: 1 }, "i-4", 4, "owned"],
    ["a request that has its outcome", { closed: 1, finished: true }, "i-2", 2, "superseded"],
    ["a request that is being deleted", { deleted: true }, "i-1", 1, "unrecorded"],
    ["a request that was cleaned up", { closed: 1, stored: "i-1", finished: true, finalizer: false }, "i-1", 1, "superseded"],
    ["an instance that does not tell its attempt", { open: true, stored: "i-1" }, "i-9", undefined, "owned"],
  ])("%s", (_, shape, id, attempt, verdict) => {
    expect(judgeInstance(instance(id, attempt), requestOf(shape))).toBe(verdict);
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
        const request = requestOf({ closed, open, deleted, ...(open && { stored: "i-1" }) });
        const verdict = judgeInstance(instance("i-1", attempt), request);
        expect(attempt > closed ? ["owned", "unrecorded"] : ["superseded"]).toContain(verdict);
      }),
    );
  });
});
