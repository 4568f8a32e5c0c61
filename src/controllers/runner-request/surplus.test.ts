import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { observe, openStatus, type RequestStatus } from "../../request/status.ts";
import { newRequest } from "../../request/testing.ts";
import { isSurplus } from "./surplus.ts";

const nowMs = Date.parse("2026-01-15T09:00:00Z");
const assigned = { id: "9", repository: "acme/web", name: "x", state: "InProgress" as const };

function request(name: string, change: (status: RequestStatus) => void): RunnerRequest {
  const made = newRequest({ name });
  const status = openStatus(made, nowMs);
  change(status);
  return { ...made, status };
}

const gone = (status: RequestStatus): void => void (status.job = { state: "Completed", conclusion: "cancelled", updatedAt: "" });
const registered = (status: RequestStatus): void => observe(status, "Registered", "True", "Online", "", nowMs);

describe("isSurplus", () => {
  it("lets an idle runner go whose job was cancelled when nobody else needs it", () => {
    const idle = request("job-1", (status) => (gone(status), registered(status)));
    expect(isSurplus(idle, [idle])).toBe(true);
  });

  it("keeps it while the job of a request waits whose own runner took another job", () => {
    const idle = request("job-1", (status) => (gone(status), registered(status)));
    const robbed = request("job-2", (status) => void (status.assignedJob = assigned));
    expect(isSurplus(idle, [idle, robbed])).toBe(false);
  });

  it("keeps it while the job of a request waits that itself has ended", () => {
    const idle = request("job-1", (status) => (gone(status), registered(status)));
    const ended = request("job-2", (status) => {
      status.assignedJob = { ...assigned, state: "Completed" };
      observe(status, "Succeeded", "True", "JobCompleted", "", nowMs);
    });
    expect(isSurplus(idle, [idle, ended])).toBe(false);
  });

  it("lets as many go as are too many, the least advanced first", () => {
    const starting = request("job-1", gone);
    const idle = request("job-2", (status) => (gone(status), registered(status)));
    const robbed = request("job-3", (status) => void (status.assignedJob = assigned));
    const all = [idle, starting, robbed];
    expect(all.map((each) => isSurplus(each, all))).toEqual([false, true, false]);
  });

  it("never lets a runner go whose own job waits", () => {
    const waiting = request("job-1", registered);
    const idle = request("job-2", (status) => (gone(status), registered(status)));
    expect(isSurplus(waiting, [waiting, idle])).toBe(false);
    expect(isSurplus(idle, [waiting, idle])).toBe(true);
  });
});

describe("a request that has no runner yet", () => {
  it("is needed although its job was taken, when the runner that took it leaves another job without one", () => {
    const robbed = request("job-1", (status) => void (status.assignedJob = assigned));
    const waiting = request(
      "job-2",
      (status) => void (status.job = { state: "InProgress", runnerName: "job-1-1", updatedAt: "" }),
    );
    expect(isSurplus(waiting, [robbed, waiting])).toBe(false);
  });

  it("goes by what its own pass has just learnt, not by the store", () => {
    const stored = newRequest({ name: "job-1" });
    const now = request("job-1", gone);
    expect(isSurplus(now, [stored])).toBe(true);
  });
});
