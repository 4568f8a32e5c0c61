import { describe, expect, it } from "vitest";
import type { Evidence, JobFacts } from "./evidence.ts";
import { bounds } from "./bounds.ts";
import { invariants, judge } from "./invariants.ts";
import { jobTimeoutMs } from "./script.ts";

const job: JobFacts = {
  id: 31_000_000_007,
  name: "job 1",
  repository: "acme/api",
  coverage: "org",
  status: "completed",
  conclusion: "success",
  wanted: "success",
  cancelled: false,
  startedBy: ["job-31000000007-1"],
  overlong: false,
  ranMs: 900,
  excuse: undefined,
};

const ten = Array.from({ length: 10 }, (_, index) => ({ ...job, id: job.id + index }));

/** A world in which everything held. */
const good: Evidence = {
  rest: { reached: true, afterMs: 3_000, boundMs: 90_000, missing: [] },
  jobs: [job, { ...job, id: 31_000_000_008, coverage: "foreign", status: "queued", conclusion: null, startedBy: [] }],
  liveTasks: [],
  registrations: [],
  held: [],
  doubledAttempts: [],
  doubledRequests: [],
  repeatedAttempts: [],
  doubleAssigned: [],
  requests: [{ name: "job-31000000007", jobId: "31000000007", repository: "acme/api", target: "org" }],
  launches: { tasks: 1, idle: 0, keptBack: 0, hits: 0 },
  unstored: [],
  backward: [],
  stoppedBusy: [],
  counts: [
    { at: 1_000, target: "org", live: 2 },
    { at: 2_000, target: "org", live: 0 },
  ],
  limits: [{ at: 0, target: "org", max: 2 }],
  reused: [],
  violations: [],
  leaks: [],
  exits: [
    { at: 5_000, operator: "a", code: 137, told: "SIGKILL", lostLease: false },
    { at: 9_000, operator: "b", code: 0, told: "SIGTERM", lostLease: false },
  ],
  fatal: [],
  leaseRisks: [{ from: 10_000, to: 20_000, operator: "a" }],
  memory: [{ operator: "a", runs: true, resident: 120, liveHeap: 40 }],
  outages: [{ ms: 5_000, calls: 130, requests: 20 }],
};

/** One way, at least, in which each invariant breaks. */
const broken: Readonly<Record<string, readonly Partial<Evidence>[]>> = {
  "the world comes to rest": [{ rest: { reached: false, afterMs: 92_000, boundMs: 90_000, missing: ["task x lives"] } }],
  "every covered job runs exactly once": [
    { jobs: [{ ...job, startedBy: [], status: "queued", conclusion: null }] },
    { jobs: [{ ...job, startedBy: ["job-31000000007-1", "job-31000000007-2"] }] },
    { jobs: [{ ...job, status: "in_progress", conclusion: null }] },
    { jobs: [{ ...job, conclusion: "failure" }] },
  ],
  "jobs that no target covers run nowhere": [{ jobs: [{ ...job, coverage: "foreign" }] }],
  "no instance is left": [{ liveTasks: ["arn:aws:ecs:x"] }],
  "no registration is left": [{ registrations: ["job-31000000007-1 (offline)"] }],
  "no request is held": [{ held: ["job-31000000007"] }],
  "one attempt has one live instance": [{ doubledAttempts: ["uid job-31000000007-1: a, b"] }],
  "one request has one live attempt": [{ doubledRequests: ["uid: a, b"] }],
  "one attempt starts one instance": [{ repeatedAttempts: ["uid job-31000000007-1: a, b"] }],
  "no job is given to two runners": [{ doubleAssigned: ["job 31000000007 was given to b while a had it"] }],
  "only covered jobs have requests, of the target that covers them": [
    { requests: [{ name: "job-1", jobId: "1", repository: "acme/api", target: "org" }] },
    { requests: [{ name: "job-31000000008", jobId: "31000000008", repository: "acme/api", target: "org" }] },
    { requests: [{ name: "job-31000000007", jobId: "31000000007", repository: "acme/api", target: "big" }] },
    { requests: [{ name: "job-31000000007", jobId: "31000000007", repository: "acme/web", target: "org" }] },
    {
      jobs: [{ ...job, repository: "acme/legacy" }],
      requests: [{ name: "job-31000000007", jobId: "31000000007", repository: "acme/legacy", target: "org" }],
    },
  ],
  "no more runners are started than jobs and faults explain": [
    // Ten jobs, and each had a second runner that nobody needed.
    { jobs: ten, launches: { tasks: 20, idle: 10, keptBack: 1, hits: 2 } },
  ],
  "what was acknowledged is stored": [{ unstored: ["the event of job 31000000007 was answered with 2xx"] }],
  "what is written never goes back": [{ backward: ["job-31000000007 v2: status.job.state from Completed to Queued"] }],
  "maxRunners is never exceeded": [
    { counts: [{ at: 1_000, target: "org", live: 3 }] },
    { counts: [{ at: 1_000, target: "unknown", live: 1 }] },
  ],
  "no busy runner is stopped by the operator": [
    { jobs: [{ ...job, conclusion: "cancelled", wanted: "cancelled" }] },
    { stoppedBusy: ["task x (job-31000000007-1) was stopped while job 31000000007 was queued on it"] },
    // Before its time was over.
    { jobs: [{ ...job, overlong: true, ranMs: jobTimeoutMs / 2, conclusion: "cancelled" }] },
  ],
  "a job that outlives timeouts.job is stopped": [{ jobs: [{ ...job, overlong: true, ranMs: 4 * jobTimeoutMs }] }],
  "no JIT configuration is used twice": [{ reused: ["job-31000000007-1: 2 jobs, 2 connections"] }],
  "no call is wrong": [{ violations: ["{}"] }],
  "no secret is shown": [{ leaks: ["the log of operator a"] }],
  "operators end only when told, or with a lost Lease": [
    { exits: [{ at: 15_000, operator: "a", code: 1, lostLease: false }] },
    { exits: [{ at: 25_000, operator: "a", code: 1, lostLease: true }] },
    { exits: [{ at: 15_000, operator: "a", code: 1, told: "SIGTERM", lostLease: false }] },
    // Killed in the end, since it hung when it was told to stop.
    { exits: [{ at: 15_000, operator: "a", code: 137, told: "SIGTERM", lostLease: false }] },
    // What hit the other operator explains nothing.
    { exits: [{ at: 15_000, operator: "b", code: 1, lostLease: true }] },
    { fatal: ['a: {"level":"fatal","msg":"unhandled rejection, ending"}'] },
  ],
  "memory returns to its level": [
    { memory: [{ operator: "a", runs: true, resident: 120, liveHeap: 1 + bounds.liveHeapMiB }] },
    { memory: [{ operator: "a", runs: true, resident: 120, liveHeap: undefined }] },
  ],
  "an outage of GitHub is not hammered": [{ outages: [{ ms: 5_000, calls: 500, requests: 20 }] }],
};

describe("each invariant", () => {
  it("holds in a good world", () => {
    expect(judge(good)).toEqual([]);
  });

  it("has a world in which it breaks", () => {
    expect(Object.keys(broken)).toEqual(Object.keys(invariants));
  });

  const cases = Object.entries(broken).flatMap(([name, worlds]) => worlds.map((world, index) => ({ name, index, world })));
  it.each(cases)("breaks: $name ($index)", ({ name, world }) => {
    expect(judge({ ...good, ...world }).map(({ invariant }) => invariant)).toContain(name);
  });

  it("names the jobs that it is about, so that their stories can be written", () => {
    const findings = judge({ ...good, registrations: ["job-31000000007-1 (offline)"], held: ["job-31000000009-r2"] });
    expect(findings.flatMap(({ jobs }) => jobs)).toEqual([31_000_000_007, 31_000_000_009]);
  });
});

describe("what the script did itself", () => {
  it("excuses a job that lost its runner", () => {
    expect(judge({ ...good, jobs: [{ ...job, conclusion: "cancelled", excuse: "ecs-spot-busy" }] })).toEqual([]);
  });

  it("excuses no job that ran twice or never", () => {
    const excuse = "ecs-spot-busy";
    for (const startedBy of [[], ["x-1", "x-2"]])
      expect(judge({ ...good, jobs: [{ ...job, startedBy, excuse }] })).not.toEqual([]);
  });

  it("excuses a cancelled job, wherever it was", () => {
    for (const startedBy of [[], job.startedBy]) {
      expect(judge({ ...good, jobs: [{ ...job, cancelled: true, conclusion: "cancelled", startedBy }] })).toEqual([]);
    }
  });

  it("excuses a job that was stopped once its time was over", () => {
    expect(
      judge({ ...good, jobs: [{ ...job, overlong: true, ranMs: 4 * jobTimeoutMs, excuse: "a person deleted its request" }] }),
    ).toEqual([]);
    expect(judge({ ...good, jobs: [{ ...job, overlong: true, ranMs: jobTimeoutMs + 500, conclusion: "cancelled" }] })).toEqual(
      [],
    );
  });

  it("explains runners that got no job", () => {
    expect(judge({ ...good, jobs: [...good.jobs, ...ten], launches: { tasks: 20, idle: 10, keptBack: 1, hits: 4 } })).toEqual([]);
  });

  it("explains that the heap of a process that does not run is unknown", () => {
    expect(judge({ ...good, memory: [{ operator: "a", runs: false, resident: undefined, liveHeap: undefined }] })).toEqual([]);
  });

  it("excuses an operator that lost its Lease after it was frozen", () => {
    for (const told of [{}, { told: "SIGTERM" }] as const) {
      expect(judge({ ...good, exits: [{ at: 15_000, operator: "a", code: 1, ...told, lostLease: true }] })).toEqual([]);
    }
  });

  it("lets thieves have runners of ours, and lets them wait", () => {
    for (const startedBy of [[], job.startedBy]) {
      expect(
        judge({ ...good, requests: [], jobs: [{ ...job, coverage: "thief", startedBy, conclusion: null, status: "queued" }] }),
      ).toEqual([]);
    }
  });
});

describe("a limit that was lowered", () => {
  const limits = [
    { at: 0, target: "org", max: 4 },
    { at: 1_000, target: "org", max: 2 },
  ];
  const at = (ms: number, live: number): Evidence["counts"][number] => ({ at: ms, target: "org", live });
  const late = 2_000 + bounds.loweringMs;

  it("may be exceeded until the excess has gone", () => {
    expect(judge({ ...good, limits, counts: [at(500, 4), at(1_500, 4), at(late, 3), at(late + 1, 2)] })).toEqual([]);
  });

  it("may be exceeded by a launch that was under way", () => {
    expect(judge({ ...good, limits, counts: [at(500, 1), at(1_500, 4)] })).toEqual([]);
  });

  it("is never filled up again above it, however long the excess lasts", () => {
    const counts = [at(500, 4), at(late, 3), at(late + 1, 4)];
    expect(judge({ ...good, limits, counts })).toHaveLength(1);
    // Falling, and staying, is all that an excess may do.
    expect(judge({ ...good, limits, counts: [at(500, 4), at(late + 60_000, 3)] })).toEqual([]);
  });

  it("is not waited for longer than the grace", () => {
    expect(judge({ ...good, limits, counts: [at(500, 1), at(late, 3)] })).toHaveLength(1);
  });

  it("binds once the excess has gone", () => {
    expect(judge({ ...good, limits, counts: [at(500, 4), at(late, 2), at(late + 1_000, 3)] })).toHaveLength(1);
  });

  it("never lets more in than the larger one", () => {
    expect(judge({ ...good, limits, counts: [at(500, 4), at(1_500, 5)] })).toHaveLength(1);
  });

  it("counts at once when it was raised", () => {
    const raised = [
      { at: 0, target: "org", max: 2 },
      { at: 1_000, target: "org", max: 4 },
    ];
    expect(judge({ ...good, limits: raised, counts: [at(1_000, 4)] })).toEqual([]);
    expect(judge({ ...good, limits: raised, counts: [at(999, 4)] })).toHaveLength(1);
  });
});
