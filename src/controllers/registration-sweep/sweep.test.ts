import { describe, expect, it } from "vitest";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { GitHubError } from "../../github/errors.ts";
import type { GitHub, RateLimit, RunnerRecord } from "../../github/types.ts";
import { keyText, type ObjectKey } from "../../kube/object.ts";
import { observe, type RequestStatus } from "../../request/status.ts";
import { lifeOf, newRequest } from "../../request/testing.ts";
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
  const lost: string[] = [];
  const unheard: [string, boolean][] = [];
  /** Ids of runners that cannot be removed: with an error, or because GitHub calls them busy. */
  const refused = new Map<number, Error | "busy">();
  const launching = new Set<string>();
  const state = {
    nowMs: 0,
    lists: 0,
    caught: 0,
    deletes: [] as number[],
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
    getRunner: async (_, id) => runners.get(id),
    deleteRunner: async (_, id) => {
      const refusal = refused.get(id);
      if (refusal === "busy") return "busy";
      state.deletes.push(id);
      if (refusal !== undefined) throw refusal;
      return runners.delete(id) ? "deleted" : "gone";
    },
    rateLimits: () => (state.core === undefined ? {} : { core: state.core }),
  };
  const registry = createRegistry();
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
    registrationLost: (key: ObjectKey) => void lost.push(keyText(key)),
    worksUnheard: (key: ObjectKey, busy: boolean) => void unheard.push([keyText(key), busy]),
    metrics: new SweepMetrics(registry),
    clock: { now: () => state.nowMs },
    log: createLogger({ level: "warn", destination: { write: (line) => void log.push(line) } }),
    periods: registrationSweepPeriods,
  });
  const add = (name: string): void =>
    void runners.set(runners.size + 1, { id: runners.size + 1, name, status: "offline", busy: false, labels });
  const swept = async (outcome: string): Promise<number | undefined> => {
    const metric = await registry.getSingleMetric("getabako_swept_total")?.get();
    return metric?.values.find(({ labels: of }) => of["what"] === "registration" && of["outcome"] === outcome)?.value;
  };
  /** A request whose runner was seen online and has no job, as far as it has heard. */
  const awaiting = (name: string, id: number): RunnerRequest => {
    const request = lifeOf({ open: true, stored: `i-${id}` });
    request.metadata.name = name;
    const status = request.status as RequestStatus;
    status.runner = { name: `${name}-1`, id, scope: { organization: "acme" }, githubAppRef: scope.app };
    observe(status, "Registered", "True", "Online", "", 0);
    stored.push(request);
    return request;
  };
  const later = async (times = 1): Promise<void> => {
    for (let round = 0; round < times; round += 1) {
      state.nowMs += registrationSweepPeriods.everyMs;
      await sweep.sweep(never);
    }
  };
  return { runners, stored, live, unrecorded, lost, unheard, refused, launching, state, log, sweep, add, swept, awaiting, later };
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

  it("judges the lost first, and one removal that always fails keeps nobody from its turn", async () => {
    const { refused, runners, awaiting, lost, add, sweep, state, later, log } = world();
    for (let number = 1; number <= 70; number += 1) add(`job-${number}-1`);
    for (let id = 1; id <= 60; id += 1) refused.set(id, new GitHubError("Invalid", "no"));
    awaiting("job-0", 900);
    await sweep.sweep(never);
    await later();
    expect([lost, state.deletes.length]).toEqual([["default/job-0"], 50]);
    expect(log).toHaveLength(1);
    expect(JSON.parse(log[0] ?? "")).toMatchObject({ code: "Invalid", failed: 50 });
    await later();
    expect(runners.size).toBe(60);
  });

  it("ends its turn at a rate limit, which would refuse the others too", async () => {
    const { refused, add, sweep, state, later } = world();
    for (let number = 1; number <= 20; number += 1) {
      add(`job-${number}-1`);
      refused.set(number, new GitHubError("RateLimited", "slow down"));
    }
    await sweep.sweep(never);
    await later();
    expect(state.deletes.length).toBeLessThanOrEqual(2);
  });

  it("counts each find once until it is gone, however often it sees it", async () => {
    const { refused, add, stored, sweep, state, later, swept, unrecorded, runners } = world();
    add("job-1-1");
    refused.set(1, "busy");
    const request = newRequest({ name: "job-2" });
    stored.push(request);
    add("job-2-1");
    await sweep.sweep(never);
    await later(3);
    expect(unrecorded.length).toBeGreaterThan(1);
    expect([state.caught, await swept("unrecorded"), await swept("busy")]).toEqual([1, 1, 1]);
    const shown = runners.get(1);
    if (shown === undefined) throw new Error("it is gone");
    // At work for a while, so not suspicious, and back again: still the same find.
    runners.set(1, { ...shown, busy: true });
    await later();
    runners.set(1, shown);
    await later(2);
    expect(await swept("busy")).toBe(1);
  });

  it("tells of a runner that works while its request has heard of no job, once two lists have shown it, and when it is idle again", async () => {
    const { awaiting, runners, sweep, later, unheard } = world();
    const request = awaiting("job-1", 1);
    const show = (busy: boolean): void => void runners.set(1, { id: 1, name: "job-1-1", status: "online", busy, labels });
    show(true);
    await sweep.sweep(never);
    expect(unheard).toEqual([]);
    await later(2);
    expect(unheard).toEqual([["default/job-1", true]]);
    show(false);
    await later(2);
    expect(unheard).toEqual([
      ["default/job-1", true],
      ["default/job-1", false],
    ]);
    // One that was adopted is known by its name alone; one that has heard of its job is nobody's business here.
    delete request.status?.runner?.id;
    show(true);
    await later(2);
    expect(unheard).toHaveLength(3);
    observe(request.status as RequestStatus, "Assigned", "True", "JobInProgress", "", 0);
    show(false);
    await later();
    expect(unheard).toHaveLength(3);
  });

  it("waits no longer for a clock that is set back", async () => {
    const { add, sweep, state, later, runners } = world();
    add("job-1-1");
    await sweep.sweep(never);
    state.nowMs -= 3_600_000;
    await later(2);
    expect(runners.size).toBe(0);
  });
});
