import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { observe, openStatus, type RequestStatus } from "../request/status.ts";
import { newRequest } from "../request/testing.ts";
import { Ledger } from "./ledger.ts";

const nowMs = Date.parse("2026-01-15T09:00:00Z");
const assigned = { id: "9", repository: "acme/web", name: "x", state: "InProgress" as const };

function request(name: string, change: (status: RequestStatus) => void): RunnerRequest {
  const made = newRequest({ name });
  const status = openStatus(made, nowMs);
  change(status);
  return { ...made, status };
}

/** The answer of books that hold `all`, where the one that asks knows itself as `own`. */
function isSurplus(own: RunnerRequest, all: readonly RunnerRequest[]): boolean {
  const ledger = new Ledger();
  for (const each of all) ledger.follow({ type: "add", new: each });
  return ledger.isSurplus(own);
}

const gone = (status: RequestStatus): void => void (status.job = { state: "Completed", conclusion: "cancelled", updatedAt: "" });
const registered = (status: RequestStatus): void => observe(status, "Registered", "True", "Online", "", nowMs);

describe("a surplus", () => {
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

describe("a job that another request's runner took", () => {
  const waiting = request("job-2", () => undefined);
  const taker = request("job-1", (status) => void (status.assignedJob = { ...assigned, id: waiting.spec.job.id }));
  const spare = request("job-3", (status) => void (status.assignedJob = assigned));

  it("waits no more, although its own request has not heard of it yet", () => {
    // The runner of job-1 has job-2, so that of job-2 is for job-1.
    const ledger = new Ledger();
    for (const each of [taker, waiting]) ledger.follow({ type: "add", new: each });
    expect(ledger.isWanted(waiting)).toBe(false);
    expect(ledger.totals("default/web")).toEqual({ demand: 1, supply: 1, pledged: 1 });
    // The order in which a watch brings them does not matter.
    const reverse = new Ledger();
    for (const each of [waiting, taker]) reverse.follow({ type: "add", new: each });
    expect(reverse.totals("default/web")).toEqual(ledger.totals("default/web"));
  });

  it("leaves the job that is really robbed to be replaced", () => {
    const ledger = new Ledger();
    for (const each of [taker, waiting, spare]) ledger.follow({ type: "add", new: each });
    expect(ledger.uncovered("default/web")).toHaveLength(1);
  });

  it("waits again in the books when the one that said so is gone", () => {
    const ledger = new Ledger();
    for (const each of [taker, waiting]) ledger.follow({ type: "add", new: each });
    ledger.follow({ type: "delete", old: taker });
    expect(ledger.isWanted(waiting)).toBe(true);
    expect(ledger.totals("default/web")).toEqual({ demand: 1, supply: 1, pledged: 1 });
  });
});

describe("jobs whose labels ask for other runners", () => {
  const robbed = (status: RequestStatus): void => void (status.assignedJob = assigned);
  const of = (name: string, label: string, change: (status: RequestStatus) => void): RunnerRequest => {
    const made = newRequest({ name, job: { id: name.slice(4), labels: ["self-hosted", "ecs", label] } });
    const status = openStatus(made, nowMs);
    change(status);
    return { ...made, status };
  };

  it("need runners of their own: one that is too many elsewhere is no help", () => {
    const idle = request("job-1", (status) => (gone(status), registered(status)));
    const large = of("job-2", "cpu=8", robbed);
    expect(isSurplus(idle, [idle, large])).toBe(true);
    const ledger = new Ledger();
    for (const each of [idle, large]) ledger.follow({ type: "add", new: each });
    expect(ledger.uncovered("default/web").map(({ newest }) => newest.metadata.name)).toEqual(["job-2"]);
  });

  it("share runners when they spell the same labels, in whatever case", () => {
    const idle = of("job-1", "CPU=8", (status) => (gone(status), registered(status)));
    const waiting = of("job-2", "cpu=8", robbed);
    expect(isSurplus(idle, [idle, waiting])).toBe(false);
  });

  it("do not when they spell them differently, since GitHub compares the text", () => {
    const idle = of("job-1", "cpu=8.0", (status) => (gone(status), registered(status)));
    const waiting = of("job-2", "cpu=8", robbed);
    expect(isSurplus(idle, [idle, waiting])).toBe(true);
  });

  it("leave nothing in the books when they are gone", () => {
    const ledger = new Ledger();
    const large = of("job-2", "cpu=8", robbed);
    ledger.follow({ type: "add", new: large });
    ledger.follow({ type: "delete", old: large });
    expect(ledger.uncovered("default/web")).toEqual([]);
  });
});

describe("a job whose newest request has ended", () => {
  const ended = (reason: "NotNeeded" | "JobExpired") => (status: RequestStatus) =>
    observe(status, "Succeeded", reason === "NotNeeded" ? "True" : "False", reason, "", nowMs);
  const robbed = request("job-1", (status) => {
    status.assignedJob = { ...assigned, state: "Completed" };
    observe(status, "Succeeded", "True", "JobCompleted", "", nowMs);
  });
  const uncovered = (newest: RunnerRequest) => {
    const ledger = new Ledger();
    const replacement = { ...newest, spec: { ...newest.spec, job: robbed.spec.job } };
    for (const each of [robbed, replacement]) ledger.follow({ type: "add", new: each });
    return ledger.uncovered("default/web");
  };

  it("waits for another one if that left it to an older one, which lost its runner later", () => {
    // It lost nothing to a stranger itself, so it is no step towards starvation.
    expect(uncovered(request("job-1-r1", ended("NotNeeded")))).toMatchObject([{ replacement: 1, lostToStrangers: 1 }]);
  });

  it("was given up if that gave it up", () => {
    expect(uncovered(request("job-1-r1", ended("JobExpired")))).toEqual([]);
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

describe("jobs that are left alone", () => {
  const ended = (status: RequestStatus): void => {
    status.assignedJob = { ...assigned, state: "Completed" };
    observe(status, "Assigned", "True", "JobCompleted", "", nowMs);
    observe(status, "Succeeded", "True", "JobCompleted", "", nowMs);
  };
  const books = (...all: readonly RunnerRequest[]): Ledger => {
    const ledger = new Ledger();
    for (const each of all) ledger.follow({ type: "add", new: each });
    return ledger;
  };
  const uncovered = (ledger: Ledger): string[] => ledger.uncovered("default/web").map(({ newest }) => newest.metadata.name);

  it("are those whose runner took another job, while no other runner is left for them", () => {
    expect(uncovered(books(request("job-1", ended)))).toEqual(["job-1"]);
    expect(uncovered(books(request("job-1", (status) => void (status.assignedJob = assigned))))).toEqual(["job-1"]);
  });

  it("are none while a runner waits whose own job went elsewhere", () => {
    expect(
      uncovered(
        books(
          request("job-1", ended),
          request("job-2", (status) => (gone(status), registered(status))),
        ),
      ),
    ).toEqual([]);
  });

  it("are none while an attempt is being replaced by the next", () => {
    const retiring = request("job-1", (status) => {
      status.attempts = [{ number: 1, startedAt: "2026-01-15T09:00:00Z", reason: "IdleTimedOut" }];
      status.instance = { providerId: "i-1", state: "Stopping", classRef: { kind: "", namespace: "", name: "" }, connection: {} };
    });
    expect(uncovered(books(retiring))).toEqual([]);
  });

  it("are none once a replacement serves them, and the newest counts when that was taken too", () => {
    const first = request("job-1", ended);
    const job = { ...first.spec.job };
    const second = { ...newRequest({ name: "job-1-r1", job }) };
    expect(uncovered(books(first, second))).toEqual([]);
    const taken = { ...request("job-1-r1", ended), spec: { ...second.spec, job } };
    expect(uncovered(books(first, taken))).toEqual(["job-1-r1"]);
  });

  it("are not those that were given up with their job: expired, or deleted by a person", () => {
    const expired = request("job-1", (status) => observe(status, "Succeeded", "False", "JobExpired", "", nowMs));
    const deleted = newRequest({ name: "job-2", deletedAt: "2026-01-15T09:00:00Z" });
    expect(uncovered(books(expired, deleted))).toEqual([]);
  });

  it("remember how many runners strangers took, and which were taken by jobs of ours", () => {
    const robbed = (name: string, by: string): RunnerRequest =>
      request(name, (status) => {
        ended(status);
        status.assignedJob = { ...assigned, id: by, state: "Completed" };
      });
    const first = robbed("job-1", "999");
    const again = { ...robbed("job-1-r1", "77"), spec: { ...first.spec } };
    const ours = newRequest({ name: "job-77", target: "other", job: { id: "77" } });
    expect(books(first, again).uncovered("default/web")).toMatchObject([{ lostToStrangers: 2 }]);
    expect(books(first, again, ours).uncovered("default/web")).toMatchObject([{ lostToStrangers: 1 }]);
  });

  it("are as many as jobs exceed runners, the oldest first", () => {
    const at = (name: string, queuedAt: string): RunnerRequest => {
      const made = request(name, ended);
      return { ...made, spec: { ...made.spec, job: { ...made.spec.job, queuedAt } } };
    };
    const idle = request("job-9", (status) => (gone(status), registered(status)));
    const all = [
      at("job-3", "2026-01-15T08:03:00Z"),
      at("job-1", "2026-01-15T08:01:00Z"),
      at("job-2", "2026-01-15T08:02:00Z"),
      idle,
    ];
    expect(uncovered(books(...all))).toEqual(["job-1", "job-2"]);
  });

  it("of one job let a second runner go, and tell each other what became of it", () => {
    const first = newRequest({ name: "job-1" });
    const twin = newRequest({ name: "job-1-r1", job: { ...first.spec.job } });
    expect([first, twin].map((each) => isSurplus(each, [first, twin]))).toEqual([false, true]);
    const done = { ...first, status: request("job-1", gone).status } as RunnerRequest;
    expect(books(done, twin).laterNews(twin)?.metadata.name).toBe("job-1");
    expect(books(done, twin).laterNews(done)).toBeUndefined();
  });
});
