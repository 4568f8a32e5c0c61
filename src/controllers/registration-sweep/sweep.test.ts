import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { GitHubError } from "../../github/errors.ts";
import type { GitHub, RateLimit, RunnerRecord } from "../../github/types.ts";
import { keyText, type ObjectKey } from "../../kube/object.ts";
import { newRequest } from "../../request/testing.ts";
import { createLogger } from "../../telemetry/log.ts";
import { createRegistry } from "../../telemetry/metrics.ts";
import { SweepMetrics } from "../sweep-metrics.ts";
import { registrationSweepPeriods } from "./periods.ts";
import { RegistrationSweep } from "./sweep.ts";

const never = new AbortController().signal;
const scope = { app: { namespace: "default", name: "acme" }, scope: { organization: "acme" } };
const labels = ["self-hosted", "ecs"];

/** A world in memory: what GitHub lists, what the local copy has, and what the API server has. */
function world() {
  const runners = new Map<number, RunnerRecord>();
  const stored: RunnerRequest[] = [];
  const live: RunnerRequest[] = [];
  const unrecorded: string[] = [];
  const launching = new Set<string>();
  const state = {
    nowMs: 0,
    lists: 0,
    caught: 0,
    core: undefined as RateLimit | undefined,
    failure: undefined as Error | undefined,
  };
  const log: string[] = [];
  const github: Partial<GitHub> = {
    listRunners: async () => {
      state.lists += 1;
      if (state.failure !== undefined) throw state.failure;
      return [...runners.values()];
    },
    deleteRunner: async (_, id) => (runners.delete(id) ? "deleted" : "gone"),
    rateLimits: () => (state.core === undefined ? {} : { core: state.core }),
  };
  const sweep = new RegistrationSweep({
    scopes: () => [scope, { ...scope, scope: { organization: "ACME" } }],
    github: () => github as GitHub,
    named: (name) => stored.filter(({ metadata }) => metadata.name === name),
    requests: () => stored,
    liveRequests: async (name) => live.filter(({ metadata }) => metadata.name === name),
    labels: () => [labels],
    launching: (uid) => launching.has(uid),
    unrecorded: (key: ObjectKey) => void unrecorded.push(keyText(key)),
    caught: () => void (state.caught += 1),
    registrationLost: () => undefined,
    metrics: new SweepMetrics(createRegistry()),
    clock: { now: () => state.nowMs },
    log: createLogger({ level: "warn", destination: { write: (line) => void log.push(line) } }),
    periods: registrationSweepPeriods,
  });
  const add = (name: string): void =>
    void runners.set(runners.size + 1, { id: runners.size + 1, name, status: "offline", busy: false, labels });
  return { runners, stored, live, unrecorded, launching, state, log, sweep, add };
}

describe("RegistrationSweep", () => {
  it("leaves a registration alone whose request the API server has and the local copy has not", async () => {
    const { sweep, state, add, live, runners } = world();
    add("job-1-1");
    live.push(newRequest({ name: "job-1" }));
    await sweep.sweep(never);
    state.nowMs += registrationSweepPeriods.everyMs;
    await sweep.sweep(never);
    expect(runners.size).toBe(1);
    live.length = 0;
    await sweep.sweep(never);
    expect(runners.size).toBe(0);
  });

  it("forgets what it suspected when a list does not show it", async () => {
    const { sweep, state, add, runners } = world();
    add("job-1-1");
    await sweep.sweep(never);
    const runner = runners.get(1);
    runners.delete(1);
    state.nowMs += registrationSweepPeriods.everyMs;
    await sweep.sweep(never);
    if (runner !== undefined) runners.set(1, runner);
    await sweep.sweep(never);
    expect(runners.size).toBe(1);
  });

  it("tells of an unrecorded launch in the census and in every list that shows it long after, unless it is being recorded", async () => {
    const { sweep, state, add, stored, unrecorded, launching } = world();
    const launch = (name: string): string => {
      const request = newRequest({ name });
      stored.push(request);
      add(`${name}-1`);
      return request.metadata.uid ?? "";
    };
    launch("job-1");
    launching.add(launch("job-2"));
    await sweep.sweep(never);
    expect(unrecorded).toEqual(["default/job-1"]);
    launch("job-3");
    await sweep.sweep(never);
    expect(unrecorded).toEqual(["default/job-1"]);
    state.nowMs += registrationSweepPeriods.everyMs;
    await sweep.sweep(never);
    expect(unrecorded).toEqual(["default/job-1", "default/job-1", "default/job-3"]);
  });

  it("lists a scope once, and leaves the last third of the rate limit to launches, except for the census", async () => {
    const { sweep, state } = world();
    state.core = { limit: 5_000, remaining: 1_000, resetAt: "2026-01-15T10:00:00Z" };
    expect(await sweep.sweep(never)).toBe(true);
    await sweep.sweep(never);
    expect(state.lists).toBe(1);
    state.core = { ...state.core, remaining: 2_000 };
    await sweep.sweep(never);
    expect(state.lists).toBe(2);
  });

  it("has taken no census of a scope until a list came to its end; an error is one line with its code", async () => {
    const { sweep, state, log } = world();
    const taken: string[] = [];
    sweep.onTaken(({ app }) => taken.push(app.name));
    state.failure = new GitHubError("Unavailable", "GitHub did not answer");
    expect(await sweep.sweep(never, "untaken")).toBe(false);
    expect([sweep.taken(scope), taken]).toEqual([false, []]);
    expect(log.map((line) => (JSON.parse(line) as { code: string }).code)).toEqual(["Unavailable"]);
    state.failure = undefined;
    expect(await sweep.sweep(never, "untaken")).toBe(true);
    await sweep.sweep(never, "untaken");
    expect([sweep.taken(scope), taken, state.lists]).toEqual([true, ["acme"], 2]);
  });
});
