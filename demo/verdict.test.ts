import { describe, expect, it } from "vitest";
import type { Facts } from "./facts.ts";
import { planBurst } from "./plan.ts";
import { judge, verdictTable } from "./verdict.ts";

const plan = planBurst(100);
const served = [...plan.burst, ...plan.heavy, ...plan.shaped];
const failing = served.filter(({ outcome }) => outcome === "failure").length;

/** A run in which everything went as planned. */
const good: Facts = {
  succeeded: 98 - failing,
  failed: failing,
  cancelled: 2,
  hostedDone: plan.hosted.length,
  uncoveredStillQueued: plan.uncovered.length,
  lost: 0,
  ranTwice: 0,
  copies: 3 * served.filter(({ twice }) => twice).length,
  failedDeliveries: 0,
  registrationsLeft: 0,
  waitsMs: [1_000],
  requests: 101,
  requestsOfOthers: 0,
  outcomes: { JobCompleted: 98, JobCancelled: 2, Rejected: 1 },
  stillHeld: 0,
  movedToNextRung: plan.spotRefusals,
  swapped: 40,
  countedByTargets: 0,
  launched: 99,
  stopped: 1,
  doubledTasks: 0,
  tasksLeft: 0,
  most: [{ target: "web", seen: 20, max: 20 }],
  violations: [],
  writes: { objects: { "POST runnerrequests": 100, "PATCH runnerrequests/status": 700 }, events: 300 },
  githubCalls: { "actions/generate-runner-jitconfig-for-repo": 110 },
  githubAppCalls: {},
  githubSweepCalls: {},
  runTask: { accepted: 99, refused: plan.spotRefusals, other: 0 },
  describeTasks: 30,
  leaks: [],
  searched: { secrets: 100, characters: 1_000_000 },
  shapes: plan.shaped.map(() => shape("8192 MiB")),
  rejected: { what: "the job with cpu=64", expected: "Rejected", seen: "Rejected", ok: true },
  errorLines: [],
};

/** A runner with everything as chosen, but perhaps its memory. */
function shape(memory: string): Facts["shapes"][number] {
  const right = (text: string) => ({ expected: text, seen: text });
  return {
    labels: "cpu=4",
    cpu: right("4"),
    memory: { expected: "8192 MiB", seen: memory },
    disk: right("20 GiB"),
    image: right("runner:1"),
    securityGroups: right("sg-1"),
    capacity: { expected: "FARGATE_SPOT or FARGATE", seen: "FARGATE" },
  };
}

const failures = (changes: Partial<Facts>): string[] =>
  judge(plan, { ...good, ...changes })
    .filter(({ ok }) => !ok)
    .map(({ what }) => what.trim());

describe("the verdict", () => {
  it("holds when everything went as planned, at the limits of what a job may cost", () => {
    expect(failures({})).toEqual([]);
  });

  it("takes a runner that was not needed for one whose job was cancelled, as runners are interchangeable", () => {
    expect(failures({ outcomes: { JobCompleted: 98, JobCancelled: 1, NotNeeded: 1, Rejected: 1 } })).toEqual([]);
  });

  it("leaves it to the circuit of Spot how many of its refusals are met, from the fifth on", () => {
    expect([4, 5, 8, 9].map((movedToNextRung) => failures({ movedToNextRung }).length)).toEqual([1, 0, 0, 1]);
    const few = { ...plan, spotRefusals: 2 };
    expect(judge(few, { ...good, movedToNextRung: 1 }).filter(({ ok }) => !ok)).toMatchObject([{ expected: "2", seen: "1" }]);
  });

  it.each<[string, Partial<Facts>]>([
    ["jobs lost", { lost: 1 }],
    ["jobs doubled", { doubledTasks: 1 }],
    ["tasks left behind at ECS", { tasksLeft: 1 }],
    ["registrations left behind at GitHub", { registrationsLeft: 1 }],
    ["calls that GitHub or AWS would refuse as wrong", { violations: ["{}"] }],
    ["secrets in logs, objects and events", { leaks: ["the operator's output"] }],
    ["errors in the operator's log", { errorLines: ["{}"] }],
    ["RunnerRequests, one for each covered job, the rejected one included", { requests: 102 }],
    ["ended in another way, or not at all", { outcomes: { JobCompleted: 98, JobCancelled: 2, Rejected: 1, RunnerLost: 1 } }],
    ["runners stopped, that of the job cancelled later", { stopped: 0 }],
    ["launches that moved from Spot to the next rung", { movedToNextRung: 0 }],
    ["most runners of target web at once", { most: [{ target: "web", seen: 21, max: 20 }] }],
    [
      "jobs that chose their runner, and have it at ECS",
      { shapes: [shape("2048 MiB"), ...plan.shaped.slice(1).map(() => shape("8192 MiB"))] },
    ],
    [
      "the job with cpu=64",
      { rejected: { what: "the job with cpu=64", expected: "Rejected", seen: "it has a task", ok: false } },
    ],
    ["Kubernetes writes per job", { writes: { objects: { "POST runnerrequests": 801 }, events: 0 } }],
    ["GitHub calls per job", { githubCalls: { "actions/list-self-hosted-runners-for-org": 111 } }],
    ["RunTask calls per runner, refused ones apart", { runTask: { accepted: 99, refused: 0, other: 1 } }],
    ["DescribeTasks calls per job", { describeTasks: 31 }],
  ])("does not hold: %s", (what, changes) => {
    expect(failures(changes)).toEqual([what]);
  });

  it("does not judge what a job costs in a small burst", () => {
    const rows = judge(planBurst(20), { ...good, describeTasks: 31 });
    expect(rows.find(({ what }) => what === "DescribeTasks calls per job")).toMatchObject({ seen: "1.55", ok: true });
  });

  it("shows what failed in its first column", () => {
    const lines = verdictTable(judge(plan, { ...good, lost: 2 }));
    expect(lines.filter((row) => row.startsWith("FAILED"))).toEqual([expect.stringMatching(/^FAILED {2}jobs lost +0 +2$/)]);
  });
});
