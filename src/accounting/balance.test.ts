import fc from "fast-check";
import { expect, it } from "vitest";
import { replacementName } from "../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../api/v1alpha1/runner-request.ts";
import { observe, openStatus } from "../request/status.ts";
import { newRequest } from "../request/testing.ts";
import { Ledger } from "./ledger.ts";

/* Random worlds: whatever requests there are, applying what the books say must end in balance, and repeating it must do nothing. */

const nowMs = Date.parse("2026-01-15T09:00:00Z");
const bucket = "default/web";
const assigned = { id: "999", repository: "acme/web", name: "x", state: "InProgress" as const };

const lives = ["pending", "starting", "idle", "retiring", "stolen", "ended", "expired", "not-needed"] as const;
const states = ["Queued", "InProgress", "Completed"] as const;
const world = fc.array(
  fc.record({ life: fc.constantFrom(...lives), state: fc.constantFrom(...states), replacements: fc.nat({ max: 2 }) }),
  { maxLength: 12 },
);

type Life = (typeof lives)[number];

function inLife(request: RunnerRequest, life: Life, state: (typeof states)[number]): RunnerRequest {
  const status = openStatus(request, nowMs);
  status.job = { state, updatedAt: "2026-01-15T09:00:00Z" };
  if (life === "starting" || life === "idle") observe(status, "Launched", "True", "Accepted", "", nowMs);
  if (life === "idle") observe(status, "Registered", "True", "Online", "", nowMs);
  if (life === "retiring") {
    status.attempts = [{ number: 1, startedAt: "2026-01-15T09:00:00Z", reason: "IdleTimedOut" }];
    status.instance = { providerId: "i", state: "Stopping", classRef: { kind: "", namespace: "", name: "" }, connection: {} };
  }
  if (life === "stolen" || life === "ended") status.assignedJob = assigned;
  if (life === "ended") observe(status, "Succeeded", "True", "JobCompleted", "", nowMs);
  if (life === "expired") observe(status, "Succeeded", "False", "JobExpired", "", nowMs);
  if (life === "not-needed") observe(status, "Succeeded", "True", "NotNeeded", "", nowMs);
  return { ...request, status };
}

function populate(all: typeof world extends fc.Arbitrary<infer T> ? T : never): Map<string, RunnerRequest> {
  const requests = new Map<string, RunnerRequest>();
  for (const [number, { life, state, replacements }] of all.entries()) {
    let name = `job-${100 + number}`;
    const job = { id: String(100 + number) };
    for (let k = 0; k < replacements; k += 1) {
      requests.set(name, inLife(newRequest({ name, job }), "ended", state));
      name = replacementName(name);
    }
    requests.set(name, inLife(newRequest({ name, job }), life, state));
  }
  return requests;
}

function booksOf(requests: ReadonlyMap<string, RunnerRequest>): Ledger {
  const ledger = new Ledger();
  for (const request of requests.values()) ledger.follow({ type: "add", new: request });
  return ledger;
}

it("every world comes into balance by what the books say, and stays there", () => {
  fc.assert(
    fc.property(world, (all) => {
      const requests = populate(all);
      for (const { newest } of booksOf(requests).uncovered(bucket)) {
        const name = replacementName(newest.metadata.name);
        requests.set(name, newRequest({ name, job: { id: newest.spec.job.id } }));
      }
      for (;;) {
        // One at a time, as passes do: each sees what the one before did.
        const ledger = booksOf(requests);
        const surplus = [...requests.values()].find((request) => ledger.isSurplus(request));
        if (surplus === undefined) break;
        requests.set(surplus.metadata.name, inLife(surplus, "not-needed", surplus.status?.job?.state ?? "Queued"));
      }
      const ledger = booksOf(requests);
      const { demand, pledged } = ledger.totals(bucket);
      expect(pledged).toBeGreaterThanOrEqual(demand);
      expect(ledger.uncovered(bucket)).toEqual([]);
      for (const request of requests.values()) expect(ledger.isSurplus(request)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

it("a queued job never loses its only runner to a surplus", () => {
  fc.assert(
    fc.property(world, (all) => {
      const requests = populate(all);
      const ledger = booksOf(requests);
      for (const request of requests.values()) {
        if (!ledger.isSurplus(request) || request.status?.job?.state !== "Queued") continue;
        const others = [...ledger.othersOfJob(request)];
        expect(others.length).toBeGreaterThan(0);
      }
    }),
  );
});

it("the books follow changes one by one to the same sums as a fresh look", () => {
  const step = fc.record({
    job: fc.nat({ max: 5 }),
    life: fc.constantFrom(...lives),
    state: fc.constantFrom(...states),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const followed = new Ledger();
      const requests = new Map<string, RunnerRequest>();
      for (const { job, life, state, gone } of steps) {
        const name = `job-${job}`;
        const old = requests.get(name);
        if (gone) {
          if (old !== undefined) followed.follow({ type: "delete", old });
          requests.delete(name);
          continue;
        }
        const next = inLife(newRequest({ name, job: { id: String(job) } }), life, state);
        followed.follow(old === undefined ? { type: "add", new: next } : { type: "update", old, new: next });
        requests.set(name, next);
        // A question changes nothing.
        followed.isSurplus(next);
      }
      expect(followed.totals(bucket)).toEqual(booksOf(requests).totals(bucket));
      expect(followed.uncovered(bucket)).toEqual(booksOf(requests).uncovered(bucket));
    }),
  );
});
