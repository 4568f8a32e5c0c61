import { expect, test } from "vitest";
import { failureMeaning, failureRules } from "./failures.ts";

const table: readonly (readonly [string, ReturnType<typeof failureMeaning>["code"], string, RegExp])[] = [
  [
    "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "InsufficientCapacity",
    "CapacityUnavailable",
    /more zones/,
  ],
  ["You've reached the limit on the number of vCPUs you can run concurrently", "InsufficientCapacity", "QuotaExceeded", /quota/],
  ["RESOURCE:ENI", "InsufficientCapacity", "RESOURCE:ENI", /network interface/],
  ["RESOURCE:CPU", "InsufficientCapacity", "RESOURCE:CPU", /enough cpu/],
  ["RESOURCE:MEMORY", "InsufficientCapacity", "RESOURCE:MEMORY", /enough memory/],
  ["RESOURCE:PORTS", "InsufficientCapacity", "RESOURCE:PORTS", /enough ports/],
  ["RESOURCE:GPU", "InsufficientCapacity", "RESOURCE:GPU", /enough gpu/],
  ["RESOURCE:SOMETHING_NEW", "InsufficientCapacity", "RESOURCE:SOMETHING_NEW", /something_new/],
  ["AGENT", "InsufficientCapacity", "AGENT", /agent/],
  ["ATTRIBUTE", "TargetNotReady", "ATTRIBUTE", /task definition asks for/],
  ["LOCATION", "TargetNotReady", "LOCATION", /subnets of their zones/],
  ["MISSING", "TargetNotReady", "MISSING", /Auto Scaling/],
  ["INACTIVE", "TargetNotReady", "INACTIVE", /deregistered/],
  ["NEW_REASON", "Internal", "NEW_REASON", /NEW_REASON/],
];

test.each(table)("%s is %s", (reason, code, name, message) => {
  const meaning = failureMeaning({ reason });
  expect(meaning).toMatchObject({ code, reason: name });
  expect(meaning.message).toMatch(message);
  expect(meaning.message.length).toBeLessThanOrEqual(300);
});

test("every row of the table has a line above", () => {
  const reached = new Set(table.map(([reason]) => failureRules.findIndex((rule) => rule.reason.test(reason))));
  expect(failureRules.filter((_, index) => !reached.has(index))).toEqual([]);
});

test("a failure without a reason is repeated", () => {
  expect(failureMeaning({})).toMatchObject({ code: "Internal", reason: "Unknown" });
});

test("an unknown reason is shown with its detail, cut", () => {
  const { message } = failureMeaning({ reason: "NEW", detail: "x y ".repeat(200) });
  expect(message).toContain("NEW: x y");
  expect(message.length).toBeLessThanOrEqual(300);
});

test("a quota is tried again after a minute at the earliest", () => {
  expect(failureMeaning({ reason: "the vCPU limit was reached" }).retryAfterMs).toBe(60_000);
});

// All that the ECS developer guide and our own experience know as a reason of RunTask or StartTask.
const documented = [
  "Capacity is unavailable at this time. Please try again later or in a different availability zone",
  "You've reached the limit on the number of vCPUs you can run concurrently",
  ...["CPU", "MEMORY", "PORTS", "GPU", "ENI"].map((what) => `RESOURCE:${what}`),
  ...["AGENT", "ATTRIBUTE", "LOCATION", "MISSING", "INACTIVE"],
];

test.each(documented)("the documented reason %s has a rule, and its sentence a next step", (reason) => {
  const { message } = failureMeaning({ reason });
  expect(message).not.toContain("no rule here");
  expect(message).toMatch(/: (ask|add|check|compare|choose)|tried again|help/);
});
