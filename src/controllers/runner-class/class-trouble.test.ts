import { expect, it } from "vitest";
import type { Attempt, RunnerRequestStatus } from "../../api/v1alpha1/runner-request.ts";
import { classTrouble } from "./class-trouble.ts";

const startedAt = "2026-01-15T08:50:00Z";

function troubleOf(attempt: Partial<Attempt>, launched = "AwaitingLaunch"): string | undefined {
  const launchedCondition = { type: "Launched", status: "Unknown", reason: launched, message: "", lastTransitionTime: startedAt };
  const status = { attempts: [{ number: 1, startedAt, ...attempt }], conditions: [launchedCondition] };
  return classTrouble({ status: status as unknown as RunnerRequestStatus });
}

it("is what a launch was refused for, each time anew", () => {
  const first = troubleOf({ tries: 1, triedAt: startedAt }, "Unauthorized");
  expect(first).toBeDefined();
  expect(troubleOf({ tries: 2, triedAt: startedAt }, "Unauthorized")).not.toBe(first);
  expect(troubleOf({ number: 2, tries: 1, triedAt: startedAt }, "Unauthorized")).not.toBe(first);
});

it("is an instance that could not start", () => {
  expect(troubleOf({ reason: "Misconfigured", endedAt: startedAt })).toBeDefined();
  expect(troubleOf({ reason: "StartFailed", endedAt: startedAt })).toBeDefined();
});

it("is nothing that happens to good classes", () => {
  expect(classTrouble({})).toBeUndefined();
  expect(troubleOf({})).toBeUndefined();
  expect(troubleOf({ tries: 3, triedAt: startedAt }, "InsufficientCapacity")).toBeUndefined();
  expect(troubleOf({ reason: "Interrupted", endedAt: startedAt }, "AttemptEnded")).toBeUndefined();
  expect(troubleOf({ reason: "Misconfigured" }, "Accepted")).toBeUndefined();
});
