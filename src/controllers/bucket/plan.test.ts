import { describe, expect, it } from "vitest";
import type { Uncovered } from "../../accounting/ledger.ts";
import { newRequest } from "../../request/testing.ts";
import { bucketPeriods as periods } from "./periods.ts";
import { planStep, replacementFor } from "./plan.ts";

const nowMs = Date.parse("2026-01-15T09:00:00Z");

function uncovered(replacement: number, overrides: Partial<Uncovered> = {}): Uncovered {
  const name = replacement === 0 ? "job-31" : `job-31-r${replacement}`;
  const newest = newRequest({ name, createdAt: "2026-01-15T08:59:00Z", job: { id: "31" } });
  return { newest, replacement, lostToStrangers: replacement + 1, sinceMs: nowMs, firstMs: nowMs - 60_000, ...overrides };
}

describe("a job that was left alone", () => {
  it("gets a replacement after a grace, since events of a swap come one after the other", () => {
    expect(planStep(uncovered(0), nowMs, periods)).toMatchObject({ atMs: nowMs + periods.graceMs, starved: false });
    expect(planStep(uncovered(2), nowMs, periods)).toMatchObject({ atMs: nowMs + periods.graceMs, starved: false });
  });

  it("starves after three, and gets one more every quarter of an hour", () => {
    const step = planStep(uncovered(3), nowMs, periods);
    expect(step).toMatchObject({ atMs: Date.parse("2026-01-15T08:59:00Z") + periods.slowReplacementMs, starved: true });
  });

  it("does not starve by the jobs of ours that take its runners: each leaves another runner free", () => {
    expect(planStep(uncovered(9, { lostToStrangers: 3 }), nowMs, periods).starved).toBe(false);
  });

  it("gets none once GitHub has given it up", () => {
    expect(planStep(uncovered(1, { firstMs: nowMs - periods.jobLifetimeMs }), nowMs, periods).atMs).toBeUndefined();
  });
});

describe("a replacement", () => {
  it("is the same job under the next name, from its first state on", () => {
    const newest = newRequest({ name: "job-31-r1", job: { id: "31", state: "InProgress" } });
    const made = replacementFor(newest);
    expect(made.metadata).toMatchObject({
      name: "job-31-r2",
      finalizers: ["getabako.dev/runner"],
      labels: { "getabako.dev/target": "web" },
    });
    expect(made.spec).toEqual({ ...newest.spec, source: "Replacement", job: { ...newest.spec.job, state: "Queued" } });
  });
});
