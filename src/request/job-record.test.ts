import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { getCondition } from "../kube/conditions.ts";
import { type JobReport, recordAssignedJob, recordOwnJob } from "./job-record.ts";
import { openStatus, type RequestStatus } from "./status.ts";
import { newRequest } from "./testing.ts";

const nowMs = Date.parse("2026-01-15T09:05:00Z");

function report(state: JobReport["state"], overrides: Partial<JobReport> = {}): JobReport {
  return { id: "31", repository: "acme/web", name: "build", state, runnerName: "job-31-1", ...overrides };
}

function open(overrides: Partial<RequestStatus> = {}): RequestStatus {
  return Object.assign(openStatus(newRequest({ name: "job-31", job: { id: "31" } }), nowMs), overrides);
}

describe("the job that asked", () => {
  it("moves forward and remembers who took it", () => {
    const status = open();
    expect(recordOwnJob(status, report("InProgress", { runnerName: "other-runner" }), nowMs)).toBe(true);
    expect(status.job).toEqual({ state: "InProgress", runnerName: "other-runner", updatedAt: "2026-01-15T09:05:00Z" });
    expect(recordOwnJob(status, report("Completed", { conclusion: "success" }), nowMs)).toBe(true);
    expect(status.job).toMatchObject({ state: "Completed", conclusion: "success", runnerName: "other-runner" });
  });

  it("ignores duplicates and events that come too late", () => {
    const status = open();
    recordOwnJob(status, report("Completed", { conclusion: "cancelled" }), nowMs);
    const before = structuredClone(status);
    expect(recordOwnJob(status, report("InProgress"), nowMs + 1_000)).toBe(false);
    expect(recordOwnJob(status, report("Completed", { conclusion: "success" }), nowMs + 1_000)).toBe(false);
    expect(status).toEqual(before);
  });

  it("adds what an earlier report of the same state lacked", () => {
    const status = open();
    recordOwnJob(status, report("Completed", { runnerName: undefined }), nowMs);
    expect(recordOwnJob(status, report("Completed", { conclusion: "failure" }), nowMs)).toBe(true);
    expect(status.job).toMatchObject({ conclusion: "failure", runnerName: "job-31-1" });
  });
});

describe("the job that the runner took", () => {
  it("proves that the runner is registered and has work", () => {
    const status = open({ attempt: 1 });
    expect(recordAssignedJob(status, report("InProgress", { id: "77", startedAt: "2026-01-15T09:04:00Z" }), nowMs)).toBe(true);
    expect(status.assignedJob).toMatchObject({ id: "77", state: "InProgress", startedAt: "2026-01-15T09:04:00Z" });
    expect(getCondition(status.conditions, "Registered")).toMatchObject({ status: "True", reason: "JobStarted" });
    expect(getCondition(status.conditions, "Assigned")).toMatchObject({ status: "True", reason: "JobInProgress" });
    expect(status.phase).toBe("Running");
  });

  it("is recorded although the launch itself was not stored yet", () => {
    const status = open();
    expect(recordAssignedJob(status, report("InProgress"), nowMs)).toBe(true);
    expect(status.assignedJob?.id).toBe("31");
  });

  it("changes nothing when it comes from the runner of an attempt that was given up", () => {
    const status = open({ attempt: 2 });
    expect(recordAssignedJob(status, report("InProgress", { runnerName: "job-31-1" }), nowMs)).toBe(false);
    expect(status.assignedJob).toBeUndefined();
  });

  it("stays the first one: an ephemeral runner has one job", () => {
    const status = open({ attempt: 1 });
    recordAssignedJob(status, report("InProgress", { id: "77" }), nowMs);
    expect(recordAssignedJob(status, report("Completed", { id: "78" }), nowMs)).toBe(false);
    expect(status.assignedJob?.id).toBe("77");
  });
});

describe("any order of events", () => {
  it("ends in one state, however often and in whatever order the events of a job come", () => {
    const events: JobReport[] = [
      report("Queued", { runnerName: undefined }),
      report("InProgress", { startedAt: "2026-01-15T09:01:00Z" }),
      report("Completed", { startedAt: "2026-01-15T09:01:00Z", completedAt: "2026-01-15T09:02:00Z", conclusion: "success" }),
    ];
    const apply = (order: readonly JobReport[]): RequestStatus => {
      const status = open({ attempt: 1 });
      for (const event of order) {
        recordOwnJob(status, event, nowMs);
        recordAssignedJob(status, event, nowMs);
      }
      return status;
    };
    const final = apply(events);
    fc.assert(
      fc.property(fc.shuffledSubarray([...events, ...events, ...events], { minLength: 9, maxLength: 9 }), (order) => {
        expect(apply(order)).toEqual(final);
      }),
    );
  });
});
