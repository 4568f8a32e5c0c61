import { describe, expect, it } from "vitest";
import type { RunnerRequest, RunnerRequestStatus } from "../../src/api/v1alpha1/runner-request.ts";
import { isAcknowledged, unstored } from "./acknowledged.ts";
import { doubleAssigned } from "./assignments.ts";
import { goesBack } from "./goes-back.ts";
import { LeaseRisks } from "./lease-risks.ts";
import { RequestLog } from "./request-log.ts";
import { jobTimeoutMs } from "./script.ts";
import { stoppedAtWork } from "./stops.ts";

const early = "2026-01-01T00:00:01Z";
const late = "2026-01-01T00:00:02Z";

function request(version: number, status: RunnerRequestStatus, uid = "uid-7"): RunnerRequest {
  const job = { host: "github.com", id: "7", runId: "1", repository: "acme/api", name: "job", labels: ["ecs"] };
  return {
    apiVersion: "",
    kind: "RunnerRequest",
    metadata: { name: "job-7", uid, resourceVersion: String(version) },
    spec: { targetRef: { name: "org" }, source: "Webhook", job: { ...job, queuedAt: early, state: "Queued" } },
    status,
  };
}

const assigned = (id: string, state: "InProgress" | "Completed", attempt = 1): RunnerRequestStatus => ({
  attempt,
  assignedJob: { id, repository: "acme/api", name: "job", state },
});
const job = (state: "Queued" | "InProgress" | "Completed"): RunnerRequestStatus => ({ job: { state, updatedAt: early } });
const condition = (lastTransitionTime: string): RunnerRequestStatus => ({
  conditions: [{ type: "Admitted", status: "True", reason: "SlotFree", message: "", observedGeneration: 1, lastTransitionTime }],
});

describe("a request", () => {
  it.each<[string, RunnerRequestStatus, RunnerRequestStatus]>([
    ["its job", job("Completed"), job("InProgress")],
    ["its job, which is forgotten", job("Queued"), {}],
    ["the job of its runner", assigned("8", "Completed"), assigned("8", "InProgress")],
    ["who its runner works for", assigned("8", "InProgress"), assigned("9", "InProgress")],
    ["that its runner works", assigned("8", "InProgress"), { attempt: 1 }],
    ["its attempt", { attempt: 2 }, { attempt: 1 }],
    ["when a condition changed", condition(late), condition(early)],
    ["a condition", condition(late), { conditions: [] }],
  ])("goes back: %s", (_, before, after) => {
    expect(goesBack(request(1, before), request(2, after))).toHaveLength(1);
    const log = new RequestLog();
    log.observe({ type: "update", old: request(1, before), new: request(2, after) });
    expect(log.backward).toHaveLength(1);
  });

  it.each<[string, RunnerRequestStatus, RunnerRequestStatus]>([
    ["its job", job("Queued"), job("Completed")],
    ["the job of its runner", assigned("8", "InProgress"), assigned("8", "Completed")],
    ["to the runner of another attempt", assigned("8", "InProgress"), { attempt: 2 }],
    ["a condition", condition(early), condition(late)],
  ])("goes on: %s", (_, before, after) => {
    expect(goesBack(request(1, before), request(2, after))).toEqual([]);
  });

  it("of the same name is another one, and an old version that a watch shows again was written by nobody", () => {
    expect(goesBack(request(1, job("Completed")), request(2, job("Queued"), "uid-8"))).toEqual([]);
    expect(goesBack(request(2, job("Completed")), request(1, job("Queued")))).toEqual([]);
  });

  it("leaves what any of its versions said", () => {
    const log = new RequestLog();
    const [before, after] = [
      request(1, { job: { state: "Queued", updatedAt: early, runnerName: "a secret name" } }),
      request(2, {}),
    ];
    log.observe({ type: "add", new: before });
    log.observe({ type: "update", old: before, new: after });
    log.observe({ type: "delete", old: after });
    expect(log.text).toContain("a secret name");
    expect(log.seen).toEqual([{ name: "job-7", jobId: "7", repository: "acme/api", target: "org" }]);
  });
});

describe("a StopTask", () => {
  const task = { id: "t1", group: "job-7-1" };
  const worker = (status: "queued" | "in_progress" | "completed", startedAt?: number) => [
    { name: "job-7-1", job: { id: 7, status, startedAt } },
  ];

  it("is wrong while the runner has a job, or is about to have one", () => {
    expect(stoppedAtWork(task, worker("queued"), 5_000)).toContain("job 7");
    expect(stoppedAtWork(task, worker("in_progress", 1_000), 5_000)).toContain("job 7");
  });

  it("is right before and after, for another runner, and once the job has had its time", () => {
    expect(stoppedAtWork(task, [{ name: "job-7-1", job: undefined }], 5_000)).toBeUndefined();
    expect(stoppedAtWork(task, worker("completed", 1_000), 5_000)).toBeUndefined();
    expect(stoppedAtWork({ ...task, group: "job-7-2" }, worker("in_progress", 1_000), 5_000)).toBeUndefined();
    expect(stoppedAtWork(task, worker("in_progress", 1_000), 1_000 + jobTimeoutMs)).toBeUndefined();
  });
});

describe("an answer to the event that a job is queued", () => {
  const answer = { jobId: 7, target: "org", at: 10_000 } as const;
  const nobody = { wasDeleted: () => false, wasAway: () => false };

  it("acknowledges it with any 2xx", () => {
    expect(isAcknowledged("workflow_job queued 1b4e-guid 202")).toBe(true);
    for (const detail of ["workflow_job queued 1b4e-guid 503", "workflow_job completed 1b4e-guid 200", undefined]) {
      expect(isAcknowledged(detail)).toBe(false);
    }
  });

  it("is wrong if nothing is stored", () => {
    expect(unstored(answer, false, nobody)).toContain("job 7");
    expect(unstored(answer, true, nobody)).toBeUndefined();
  });

  it("is right if a person took the request or the target away", () => {
    expect(unstored(answer, false, { ...nobody, wasDeleted: (name) => name === "job-7" })).toBeUndefined();
    expect(unstored(answer, false, { ...nobody, wasAway: (target) => target === "org" })).toBeUndefined();
  });
});

describe("the journal of GitHub", () => {
  const [a, b] = [{ name: "a" }, { name: "b" }];
  const about = { job: { id: 7 } };

  it("tells when a job was given to a second runner", () => {
    const twice = [
      { kind: "job-assigned", ...about, runner: a },
      { kind: "job-assigned", ...about, runner: b },
    ] as const;
    expect(doubleAssigned(twice)).toEqual(["job 7 was given to b while a had it"]);
    expect(doubleAssigned([twice[0], { kind: "job-requeued", ...about, runner: a }, twice[1]])).toEqual([]);
  });
});

describe("a lost Lease", () => {
  it("is explained from the beginning of a fault until some time after its end, for the operator that it hit", () => {
    const leases = new LeaseRisks();
    const isOver = leases.begin("a");
    leases.begin();
    expect(leases.all()).toMatchObject([{ operator: "a", to: Number.POSITIVE_INFINITY }, { to: Number.POSITIVE_INFINITY }]);
    expect(leases.all()[1]).not.toHaveProperty("operator");
    isOver();
    const [risk] = leases.all();
    isOver();
    expect(risk?.from).toBeLessThanOrEqual(Date.now());
    expect(risk?.to).toBeLessThan(Date.now() + 60_000);
    expect(leases.all()[0]).toEqual(risk);
  });
});
