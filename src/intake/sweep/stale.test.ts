import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { newRequest } from "../../request/testing.ts";
import { isoTime } from "../../util/clock.ts";
import { periods } from "./periods.ts";
import { isStale, staleRuns } from "./stale.ts";

const now = Date.parse("2026-01-15T12:00:00Z");
const ago = (minutes: number): string => isoTime(now - minutes * 60_000);

type State = "Queued" | "InProgress" | "Completed";

function request(state: State, minutes: number, finished: boolean): RunnerRequest {
  const succeeded = { type: "Succeeded", status: finished ? "True" : "Unknown", reason: "x", message: "", observedGeneration: 1 };
  return newRequest({
    createdAt: ago(600),
    status: {
      job: { state, updatedAt: ago(minutes) },
      conditions: [{ ...succeeded, lastTransitionTime: ago(minutes) } as never],
    },
  });
}

describe("a stale request", () => {
  it.each<[State, number, boolean, boolean]>([
    ["Queued", 11, false, true],
    ["Queued", 10, false, false],
    ["Queued", 11, true, true],
    ["InProgress", 61, false, true],
    ["InProgress", 59, false, false],
    ["InProgress", 61, true, false],
    ["Completed", 600, false, false],
    ["Completed", 600, true, false],
  ])("with a job %s for %i minutes, finished %s: %s", (state, minutes, finished, stale) => {
    expect(isStale(request(state, minutes, finished), now, periods)).toBe(stale);
  });

  it("counts from its creation when it has no status yet, and is left alone while it is being deleted", () => {
    expect(isStale(newRequest({ createdAt: ago(11) }), now, periods)).toBe(true);
    expect(isStale(newRequest({ createdAt: ago(9) }), now, periods)).toBe(false);
    expect(isStale(newRequest({ createdAt: ago(11), job: { state: "Completed" } }), now, periods)).toBe(false);
    expect(isStale(newRequest({ createdAt: ago(11), deletedAt: ago(1) }), now, periods)).toBe(false);
  });

  it("shares its run with others, in whatever case the repository is written", () => {
    const old = { createdAt: ago(11) };
    const runs = staleRuns(
      [
        newRequest({ ...old, job: { runId: "1" } }),
        newRequest({ ...old, job: { runId: "1", repository: "Acme/Web" } }),
        newRequest({ ...old, job: { runId: "1", repository: "acme/api" } }),
        newRequest({ ...old, job: { runId: "2" } }),
        newRequest({ createdAt: ago(1), job: { runId: "1" } }),
      ],
      now,
      periods,
    );
    expect([...runs].map(([key, { requests }]) => [key, requests.length])).toEqual([
      ["acme/web 1", 2],
      ["acme/api 1", 1],
      ["acme/web 2", 1],
    ]);
  });
});
