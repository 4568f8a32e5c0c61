import { expect, test } from "vitest";
import { parseBurstOptions } from "./options.ts";
import type { Seen } from "./play.ts";
import { allowedMs, costsOf, judge, timingOf } from "./verdict.ts";

const good: Seen = {
  jobs: 100,
  launches: Array.from({ length: 100 }, () => 1),
  fromQueueMs: 4_400,
  fromFirstRunTaskMs: 4_000,
  calls: { RunTask: { ok: 100 }, DescribeTasks: { ok: 15 }, ListTasks: { ok: 5 } },
  throttled: {},
  startedHalfMs: 20_000,
  startedAllMs: 30_000,
  endedMs: 60_000,
  writes: { objects: {}, events: 0 },
  kubernetes: {},
  operatorThrottleWaitSeconds: 2,
  violations: [],
  doubled: 0,
  live: 0,
  trouble: undefined,
};

const failing = (seen: Partial<Seen>, events = false): string[] =>
  judge({ ...good, ...seen }, events)
    .filter(({ ok }) => !ok)
    .map(({ what }) => what);

test("the time that AWS allows is that of its slowest bucket: 20 launches at once, then 20 a second", () => {
  expect(allowedMs(20)).toBe(0);
  expect(allowedMs(500)).toBe(24_000);
  expect(timingOf({ jobs: 500, fromQueueMs: 26_400 })).toEqual({ allowedMs: 24_000, ratio: 1.1, slow: false });
  expect(timingOf({ jobs: 500, fromQueueMs: 30_000 }).slow).toBe(true);
});

test("a burst in which every job was launched once, cheaply, holds, however long it took", () => {
  expect(failing({ fromQueueMs: 3_600_000 })).toEqual([]);
  expect(failing({}, true)).toEqual([]);
});

test.each<[Partial<Seen>, string]>([
  [{ launches: [1, 0, 1] }, "jobs that nothing was launched for"],
  [{ launches: [1, 2, 1] }, "jobs that were launched twice"],
  [{ doubled: 1 }, "jobs that were launched twice"],
  [{ live: 1 }, "tasks that are left"],
  [{ trouble: "waited in vain" }, "everything came to its end"],
  [{ violations: ["a"] }, "requests that ECS or GitHub would not have understood"],
  [{ calls: { RunTask: { ok: 100, cut: 6 } } }, "RunTask calls per job"],
  [{ calls: { RunTask: { ok: 100 }, DescribeTasks: { ok: 51 } } }, "all other ECS calls per job"],
])("%j does not hold: %s", (seen, what) => {
  expect(failing(seen)).toEqual([what]);
});

test("throttled answers count against all calls, and against RunTask alone", () => {
  const calls = { RunTask: { ok: 100, ThrottlingException: 3 }, DescribeTasks: { ok: 47 } };
  expect(costsOf({ jobs: 100, calls })).toMatchObject({
    runTaskPerJob: 1.03,
    otherPerJob: 0.47,
    other: { DescribeTasks: 0.47 },
    throttledShare: 0.02,
    throttledShareOfRunTask: 3 / 103,
  });
  expect(failing({ calls })).toEqual(["throttled answers, of all", "throttled answers, of RunTask"]);
});

test("with an event queue less is read", () => {
  const calls = { RunTask: { ok: 100 }, DescribeTasks: { ok: 21 } };
  expect(failing({ calls })).toEqual([]);
  expect(failing({ calls }, true)).toEqual(["all other ECS calls per job"]);
});

test("options are read, and what is wrong with them is said", () => {
  expect(parseBurstOptions(["--", "--jobs", "80", "--events", "--json", "f"])).toEqual({
    jobs: 80,
    events: true,
    json: "f",
    help: false,
  });
  expect(parseBurstOptions([])).toMatchObject({ jobs: 500, events: false });
  expect(() => parseBurstOptions(["--jobs", "5"])).toThrow("30 to 2000");
  expect(() => parseBurstOptions(["--job", "5"])).toThrow("--job");
});
