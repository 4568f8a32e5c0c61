import { expect, test } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { observe, openStatus } from "../../request/status.ts";
import { newRequest } from "../../request/testing.ts";
import { Registry } from "../../telemetry/metrics.ts";
import { StandingMetrics } from "./standing-metrics.ts";

const nowMs = Date.parse("2026-01-15T10:00:00Z");

function world(leads = () => true) {
  const registry = new Registry();
  const metrics = new StandingMetrics(registry, { now: () => nowMs, leads });
  /** The series of a metric that are not zero, as text. */
  const shown = async (name: string): Promise<string[]> =>
    (await registry.metrics()).split("\n").filter((line) => line.startsWith(`${name}{`) && !line.endsWith(" 0"));
  return { metrics, shown };
}

/** A request whose job was queued a number of seconds ago, with whatever was observed since. */
function queued(secondsAgo: number, set: (status: ReturnType<typeof openStatus>) => void = () => undefined): RunnerRequest {
  const request = newRequest({ job: { queuedAt: new Date(nowMs - secondsAgo * 1_000).toISOString(), state: "Queued" } });
  const status = openStatus(request, nowMs);
  set(status);
  return { ...request, status };
}

test("jobs that wait are counted by what they wait for, with the age of the oldest", async () => {
  const { metrics, shown } = world();
  const full = (status: ReturnType<typeof openStatus>): void =>
    observe(status, "Admitted", "False", "TargetAtCapacity", "", nowMs);
  const refused = (status: ReturnType<typeof openStatus>): void => {
    observe(status, "Admitted", "True", "SlotFree", "", nowMs);
    observe(status, "Launched", "False", "InsufficientCapacity", "", nowMs);
  };
  for (const request of [queued(10, full), queued(300, full), queued(60, refused)]) metrics.follow({ type: "add", new: request });
  metrics.follow({ type: "add", new: newRequest({ job: { queuedAt: "2026-01-15T09:59:59Z", state: "Queued" } }) });
  expect(await shown("getabako_jobs_waiting")).toEqual([
    'getabako_jobs_waiting{reason="AwaitingAdmission"} 1',
    'getabako_jobs_waiting{reason="TargetAtCapacity"} 2',
    'getabako_jobs_waiting{reason="InsufficientCapacity"} 1',
  ]);
  expect(await shown("getabako_oldest_waiting_seconds")).toEqual([
    'getabako_oldest_waiting_seconds{reason="AwaitingAdmission"} 1',
    'getabako_oldest_waiting_seconds{reason="TargetAtCapacity"} 300',
    'getabako_oldest_waiting_seconds{reason="InsufficientCapacity"} 60',
  ]);
});

test("a job waits no more when a runner has it, when it is over, and when its request goes", async () => {
  const { metrics, shown } = world();
  const follow = (old: RunnerRequest, now: RunnerRequest): void => {
    metrics.follow({ type: "add", new: old });
    metrics.follow({ type: "update", old, new: now });
  };
  const taken = queued(10);
  follow(taken, { ...taken, status: { ...taken.status, job: { state: "InProgress", updatedAt: "2026-01-15T10:00:00Z" } } });
  const over = queued(10);
  const status = openStatus(over, nowMs);
  observe(status, "Succeeded", "False", "JobExpired", "", nowMs);
  follow(over, { ...over, status });
  const leaving = queued(10);
  follow(leaving, { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: "2026-01-15T10:00:00Z" } });
  const gone = queued(10);
  metrics.follow({ type: "add", new: gone });
  metrics.follow({ type: "delete", old: gone });
  expect(await shown("getabako_jobs_waiting")).toEqual([]);
  expect(await shown("getabako_runner_requests")).toEqual([
    'getabako_runner_requests{phase="Pending"} 2',
    'getabako_runner_requests{phase="Failed"} 1',
  ]);
});

test("a reason of another version is Other, and a job whose runner works for another still waits", async () => {
  const { metrics, shown } = world();
  const strange = queued(5, (status) => {
    observe(status, "Admitted", "False", "TargetPaused", "", nowMs);
    for (const condition of status.conditions) if (condition.type === "Admitted") condition.reason = "FromTheFuture";
  });
  const lent = queued(5, (status) => {
    observe(status, "Admitted", "True", "SlotFree", "", nowMs);
    observe(status, "Launched", "True", "Accepted", "", nowMs);
    observe(status, "Registered", "True", "JobStarted", "", nowMs);
    observe(status, "Assigned", "True", "JobInProgress", "", nowMs);
  });
  for (const request of [strange, lent]) metrics.follow({ type: "add", new: request });
  expect(await shown("getabako_jobs_waiting")).toEqual([
    'getabako_jobs_waiting{reason="JobInProgress"} 1',
    'getabako_jobs_waiting{reason="Other"} 1',
  ]);
});

test("only the leader shows anything, and what it knows when it becomes one is complete", async () => {
  let leads = false;
  const { metrics, shown } = world(() => leads);
  metrics.follow({ type: "add", new: queued(10) });
  expect(await shown("getabako_jobs_waiting")).toEqual([]);
  leads = true;
  expect(await shown("getabako_jobs_waiting")).toHaveLength(1);
  leads = false;
  expect(await shown("getabako_runner_requests")).toEqual([]);
});
