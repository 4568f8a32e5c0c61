import { describe, expect, it } from "vitest";
import type { RunJobRecord } from "../../github/types.ts";
import { readEvent } from "../event.ts";
import { jobPayload } from "../test-objects.ts";
import { jobEvent } from "./job-event.ts";

const place = { repository: "acme/web", visibility: "private" } as const;

/** The job of jobPayload, as the REST API shows it. */
function job(more: Partial<RunJobRecord> = {}): RunJobRecord {
  return {
    id: "31415926535",
    runId: "27182818284",
    runAttempt: 1,
    status: "queued",
    conclusion: undefined,
    runnerName: undefined,
    name: "build (node 24)",
    labels: ["self-hosted", "ecs"],
    workflowName: "CI",
    headBranch: "main",
    htmlUrl: "https://github.com/acme/web/actions/runs/27182818284/job/31415926535",
    createdAt: "2026-01-15T09:00:00Z",
    startedAt: "2026-01-15T09:00:00Z",
    completedAt: undefined,
    ...more,
  };
}

describe("jobEvent", () => {
  it.each(["queued", "in_progress", "completed"] as const)(
    "is what the webhook would have told of a job that is %s",
    (status) => {
      const end = { conclusion: "success", completedAt: "2026-01-15T09:04:00Z" };
      const fromWebhook = readEvent("workflow_job", { ...jobPayload({ action: status }), installation: undefined });
      expect(jobEvent(job({ status, ...(status === "completed" && end) }), place)).toEqual(fromWebhook);
    },
  );

  it.each(["waiting", "requested", "pending", "brand_new"])("makes nothing of a job that is %s", (status) => {
    expect(jobEvent(job({ status: status as RunJobRecord["status"] }), place)).toBeUndefined();
  });

  it("makes nothing of an answer without labels, or from a place that is no repository", () => {
    expect(jobEvent(job({ labels: undefined }), place)).toBeUndefined();
    expect(jobEvent(job(), { ...place, repository: "acme" })).toBeUndefined();
  });

  it("keeps ids that no number could hold", () => {
    expect(jobEvent(job({ id: "9007199254740993" }), place)).toMatchObject({ job: { id: "9007199254740993" } });
  });
});
