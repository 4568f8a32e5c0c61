import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRunnerName } from "../../api/v1alpha1/names.ts";
import type { RunnerRequest } from "../../api/v1alpha1/runner-request.ts";
import { GitHubError } from "../../github/errors.ts";
import type { GitHub, RateLimit, RunnerRecord } from "../../github/types.ts";
import { ProviderError } from "../../provider/errors.ts";
import type { Instance, Provider, ResolvedClass } from "../../provider/types.ts";
import { lifeOf } from "../../request/testing.ts";
import { createLogger } from "../../telemetry/log.ts";
import { createRegistry } from "../../telemetry/metrics.ts";
import type { RunnerScope } from "../runner-scope.ts";
import { SweepMetrics } from "../sweep-metrics.ts";
import { instanceSweepPeriods } from "./periods.ts";
import type { Whereabouts } from "./registration.ts";
import { InstanceSweep } from "./sweep.ts";

const never = new AbortController().signal;
const cls: ResolvedClass = { kind: "Fake", namespace: "default", name: "fargate", uid: "c", generation: 1, spec: {} };
const acme: RunnerScope = { app: { namespace: "default", name: "acme" }, scope: { organization: "acme" } };
/** A scope whose App cannot be asked. */
const mute: RunnerScope = { app: { namespace: "team-b", name: "mute" }, scope: { organization: "mute" } };
const startMs = Date.parse("2026-01-15T12:00:00Z");

/** A world in memory: what the provider runs, what GitHub lists, what the local copy has, and what the API server has. */
function world(listable = true) {
  const instances = new Map<string, Instance>();
  const runners = new Map<string, RunnerRecord>();
  const stored: RunnerRequest[] = [];
  const live: RunnerRequest[] = [];
  const events: string[] = [];
  const removedWhileRegistered: string[] = [];
  const state = {
    nowMs: startMs,
    lists: 0,
    failure: undefined as Error | undefined,
    deleteFailure: undefined as Error | undefined,
    where: { likely: [acme], others: [], lost: false } as Whereabouts,
    runnerLists: 0,
    questions: 0,
    refusal: undefined as Error | undefined,
    core: undefined as RateLimit | undefined,
    hidden: new Set<string>(),
    caught: 0,
  };
  const provider: Partial<Provider> = {
    capabilities: { idempotentCreate: true, observable: true, listable },
    connection: () => ({}),
    async *list() {
      state.lists += 1;
      yield* [...instances.values()];
      if (state.failure !== undefined) throw state.failure;
    },
    delete: async (_, id) => {
      if (state.deleteFailure !== undefined) throw state.deleteFailure;
      const name = instances.get(id)?.runnerName ?? "";
      if (runners.has(name)) removedWhileRegistered.push(name);
      instances.delete(id);
    },
  };
  const github: Partial<GitHub> = {
    listRunners: async () => {
      state.runnerLists += 1;
      if (state.refusal !== undefined) throw state.refusal;
      return [...runners.values()].filter(({ name }) => !state.hidden.has(name));
    },
    findRunner: async (_, name) => {
      state.questions += 1;
      return runners.get(name);
    },
    rateLimits: () => (state.core === undefined ? {} : { core: state.core }),
    deleteRunner: async (_, id) => {
      const runner = [...runners.values()].find((candidate) => candidate.id === id);
      if (runner?.busy === true) return "busy";
      return runner !== undefined && runners.delete(runner.name) ? "deleted" : "gone";
    },
  };
  const registry = createRegistry();
  const sweep = new InstanceSweep({
    classes: () => [cls],
    provider: () => provider as Provider,
    request: (uid) => stored.find(({ metadata }) => metadata.uid === uid),
    liveRequests: async (name) => live.filter(({ metadata }) => metadata.name === name),
    whereabouts: () => state.where,
    github: ({ name }) => (name === "acme" ? (github as GitHub) : undefined),
    launching: () => false,
    unrecorded: () => undefined,
    caught: () => void (state.caught += 1),
    recorder: { event: (_, { note }) => void events.push(note) },
    metrics: new SweepMetrics(registry),
    clock: { now: () => state.nowMs },
    log: createLogger({ level: "fatal", destination: { write: () => undefined } }),
    periods: instanceSweepPeriods,
  });
  const run = (id: string, requestUid: string, runnerName: string, ageMs: number): void => {
    const attempt = parseRunnerName(runnerName)?.attempt;
    const createdAt = new Date(startMs - ageMs).toISOString();
    instances.set(id, { id, state: "Running", version: 1, requestUid, attempt, runnerName, createdAt });
  };
  let registered = 0;
  const register = (name: string, busy: boolean): void =>
    void runners.set(name, { id: (registered += 1), name, status: "online", busy, labels: [] });
  const swept = async (outcome: string): Promise<number | undefined> => {
    const metric = await registry.getSingleMetric("getabako_swept_total")?.get();
    return metric?.values.find(({ labels }) => labels["what"] === "instance" && labels["outcome"] === outcome)?.value;
  };
  return { instances, runners, stored, live, events, removedWhileRegistered, state, sweep, run, register, swept };
}

const sweepFor = async (at: ReturnType<typeof world>, times: number): Promise<void> => {
  for (let round = 0; round < times; round += 1) {
    await at.sweep.sweep(never);
    at.state.nowMs += instanceSweepPeriods.everyMs;
  }
};

describe("InstanceSweep", () => {
  it("leaves the registration to a request that was made again under the same name, and stops an orphan that does not work", async () => {
    const at = world();
    const again = lifeOf({ open: true });
    const name = `${again.metadata.name}-1`;
    const runner = { name, id: 1, scope: { organization: "acme" }, githubAppRef: { namespace: "default", name: "acme" } };
    at.live.push({ ...again, status: { ...again.status, runner } } as typeof again);
    at.run("i-1", "the uid of the one before", name, 3_600_000);
    at.register(name, true);
    await sweepFor(at, 2);
    expect([...at.instances.keys()]).toEqual(["i-1"]);
    at.register(name, false);
    await sweepFor(at, 2);
    expect(at.instances.size).toBe(0);
    expect([...at.runners.keys()]).toEqual([name]);
  });

  it("leaves an instance alone whose request the API server has and the local copy has not", async () => {
    const at = world();
    const request = lifeOf({});
    at.run("i-1", request.metadata.uid ?? "", `${request.metadata.name}-1`, 3_600_000);
    at.live.push(request);
    await sweepFor(at, 3);
    expect([...at.instances.keys()]).toEqual(["i-1"]);
    // A new object of the same name is another request.
    at.live.splice(0, 1, { ...request, metadata: { ...request.metadata, uid: "another" } });
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(0);
    expect(at.events).toEqual([`stopped i-1 of runner ${request.metadata.name}-1: its RunnerRequest does not exist`]);
  });

  it("waits for as long as a job may run when nobody is left who could be asked about the runner", async () => {
    const at = world();
    at.state.where = { likely: [], others: [], lost: false };
    at.run("i-1", "u", "job-1-1", 3_600_000);
    await sweepFor(at, 3);
    expect(at.instances.size).toBe(1);
    // Longer than the default of timeouts.job: a target may allow more, and GitHub allows five days.
    at.state.nowMs += 4 * 24 * 3_600_000;
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(1);
    at.state.nowMs += 24 * 3_600_000;
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(0);
  });

  it("is not kept from a runner's own scope by another App that cannot be asked, and waits no longer for it than a job may last", async () => {
    const at = world();
    at.state.where = { likely: [acme], others: [mute], lost: false };
    at.run("i-1", "u", "job-1-1", 3_600_000);
    at.run("i-2", "u", "job-2-1", 3_600_000);
    at.register("job-1-1", false);
    await sweepFor(at, 2);
    expect([...at.instances.keys()]).toEqual(["i-2"]);
    at.state.nowMs += instanceSweepPeriods.blindMs;
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(0);
  });

  it.each(["Forbidden", "Unauthorized", "NotFound", "Unavailable"] as const)(
    "takes %s for an App that may never answer",
    async (code) => {
      const at = world();
      at.state.refusal = new GitHubError(code, "no");
      at.run("i-1", "u", "job-1-1", 3_600_000);
      await sweepFor(at, 3);
      expect(at.instances.size).toBe(1);
      at.state.nowMs += instanceSweepPeriods.blindMs;
      await sweepFor(at, 1);
      expect(at.instances.size).toBe(0);
    },
  );

  it("takes not to be found for nothing when the place where the runner was is not known any more", async () => {
    const at = world();
    at.state.where = { likely: [], others: [acme], lost: true };
    at.run("i-1", "u", "job-1-1", 3_600_000);
    at.run("i-2", "u", "job-2-1", 3_600_000);
    at.register("job-2-1", false);
    await sweepFor(at, 3);
    expect([...at.instances.keys()]).toEqual(["i-1"]);
  });

  it("asks nobody again once the registration is gone, when the stop failed", async () => {
    const at = world();
    at.run("i-1", "u", "job-1-1", 3_600_000);
    at.register("job-1-1", false);
    at.state.deleteFailure = new ProviderError("Unavailable", "no answer");
    await sweepFor(at, 1);
    expect([at.instances.size, at.runners.size]).toEqual([1, 0]);
    at.state.deleteFailure = undefined;
    at.state.refusal = new GitHubError("Forbidden", "suspended");
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(0);
  });

  it("lists each scope once a sweep, and not while little of the rate limit is left", async () => {
    const at = world();
    for (let number = 1; number <= 40; number += 1) {
      at.run(`i-${number}`, "u", `job-${number}-1`, 3_600_000);
      at.register(`job-${number}-1`, number <= 20);
    }
    at.state.core = { limit: 5_000, remaining: 1_000, resetAt: "2026-01-15T13:00:00Z" };
    at.state.where = { likely: [acme], others: [mute], lost: false };
    await sweepFor(at, 1);
    expect([at.state.runnerLists, at.instances.size]).toEqual([0, 40]);
    at.state.nowMs += instanceSweepPeriods.blindMs;
    await sweepFor(at, 1);
    expect([at.state.runnerLists, at.instances.size]).toEqual([0, 40]);
    at.state.core = undefined;
    await sweepFor(at, 1);
    expect([at.state.runnerLists, at.state.questions, at.instances.size]).toEqual([1, 0, 20]);
  });

  it("does not believe a long list that lacks a runner where it ought to be", async () => {
    const at = world();
    for (let number = 1; number <= 100; number += 1) at.register(`other-${number}`, true);
    at.run("i-1", "u", "job-1-1", 3_600_000);
    at.register("job-1-1", true);
    at.state.hidden.add("job-1-1");
    await sweepFor(at, 2);
    expect([at.instances.size, at.state.questions]).toEqual([1, 2]);
  });

  it("stops the second instance of an open attempt once its runner is idle, and never takes the registration that both share", async () => {
    const at = world();
    const request = lifeOf({ open: true, stored: "own" });
    const name = `${request.metadata.name}-1`;
    at.stored.push(request);
    at.live.push(request);
    at.run("own", request.metadata.uid ?? "", name, 3_600_000);
    at.run("second", request.metadata.uid ?? "", name, 3_600_000);
    at.register(name, true);
    await sweepFor(at, 3);
    expect([at.instances.size, at.runners.size]).toEqual([2, 1]);
    at.register(name, false);
    at.state.core = { limit: 5_000, remaining: 1_000, resetAt: "2026-01-15T13:00:00Z" };
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(2);
    at.state.core = undefined;
    await sweepFor(at, 1);
    expect([[...at.instances.keys()], [...at.runners.keys()]]).toEqual([["own"], [name]]);
  });

  it("counts each find once until it is gone, however often it sees it", async () => {
    const at = world();
    const request = lifeOf({});
    at.stored.push(request);
    at.run("i-1", request.metadata.uid ?? "", `${request.metadata.name}-1`, 3_600_000);
    at.run("i-2", "u", "job-2-1", 3_600_000);
    at.register("job-2-1", true);
    await sweepFor(at, 4);
    expect([at.state.caught, await at.swept("unrecorded"), await at.swept("busy")]).toEqual([1, 1, 1]);
    const gone = at.instances.get("i-1");
    at.instances.delete("i-1");
    await sweepFor(at, 1);
    if (gone !== undefined) at.instances.set("i-1", gone);
    await sweepFor(at, 1);
    expect(at.state.caught).toBe(2);
  });

  it("waits no longer for a clock that is set back", async () => {
    const at = world();
    const request = lifeOf({ closed: 1 });
    at.stored.push(request);
    at.run("i-1", request.metadata.uid ?? "", `${request.metadata.name}-1`, 0);
    await sweepFor(at, 1);
    at.state.nowMs -= 3_600_000;
    await sweepFor(at, 2);
    expect(at.instances.size).toBe(0);
  });

  it("begins a bounded number of removals, and no crowd of busy runners keeps the others from their turn", async () => {
    const at = world();
    for (let number = 1; number <= 120; number += 1) {
      at.run(`i-${number}`, "u", `job-${number}-1`, 3_600_000);
      if (number <= 100) at.register(`job-${number}-1`, true);
    }
    await sweepFor(at, 1);
    expect(at.instances.size).toBe(120);
    await sweepFor(at, 2);
    expect(at.instances.size).toBe(100);
  });

  it("judges by complete lists only, and has taken no census before one", async () => {
    const at = world();
    const taken: string[] = [];
    at.sweep.onTaken(({ name }) => taken.push(name));
    at.run("i-1", "u", "job-1-1", 3_600_000);
    at.state.failure = new ProviderError("Throttled", "slow down");
    expect(await at.sweep.sweep(never)).toBe(false);
    expect([at.sweep.taken(cls), taken, at.instances.size]).toEqual([false, [], 1]);
    at.state.failure = undefined;
    expect(await at.sweep.sweep(never, "untaken")).toBe(true);
    await at.sweep.sweep(never, "untaken");
    expect([at.sweep.taken(cls), taken, at.state.lists]).toEqual([true, ["fargate"], 2]);
  });

  it("has nothing to count where a provider cannot list", async () => {
    const at = world(false);
    expect(at.sweep.taken(cls)).toBe(true);
    expect(await at.sweep.sweep(never)).toBe(true);
    expect(at.state.lists).toBe(0);
  });

  it("removes what belongs to no attempt, and never a busy runner's, an open attempt's, or one that only the local copy lacks", async () => {
    const life = fc.record({
      closed: fc.nat(2),
      open: fc.boolean(),
      finished: fc.boolean(),
      finalizer: fc.boolean(),
      known: fc.constantFrom("stored", "live", "gone" as const),
    });
    const seen = fc.record({
      request: fc.nat(3),
      attempt: fc.integer({ min: 1, max: 4 }),
      registration: fc.constantFrom("busy", "idle", "none" as const),
      ageMs: fc.integer({ min: 0, max: 7_200_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(life, { minLength: 4, maxLength: 4 }),
        fc.array(seen, { maxLength: 8 }),
        async (lives, sights) => {
          const at = world();
          const requests = lives.map(({ known, ...shape }, index) => {
            const request = lifeOf({ ...shape, ...(shape.open && { stored: `own-${index}` }) });
            if (known === "stored") at.stored.push(request);
            if (known !== "gone") at.live.push(request);
            return { request, known, shape };
          });
          const mustStay = new Set<string>();
          const mustGo = new Set<string>();
          for (const [index, sight] of sights.entries()) {
            const found = requests[sight.request];
            if (found === undefined) continue;
            const { request, known, shape } = found;
            const own = shape.open && sight.attempt === shape.closed + 1;
            const id = own ? `own-${sight.request}` : `i-${index}`;
            const runner = `${request.metadata.name}-${sight.attempt}`;
            at.run(id, request.metadata.uid ?? "", runner, sight.ageMs);
            if (sight.registration !== "none") at.register(runner, sight.registration === "busy");
            if (known === "live" || (known === "stored" && own && shape.finalizer && !shape.finished)) mustStay.add(id);
            if (known === "gone" || (known === "stored" && sight.attempt <= shape.closed)) mustGo.add(id);
          }
          const busy = new Set([...at.runners.values()].filter((runner) => runner.busy).map(({ name }) => name));
          for (const { id, runnerName = "" } of at.instances.values()) {
            if (!busy.has(runnerName)) continue;
            mustGo.delete(id);
            mustStay.add(id);
          }
          await sweepFor(at, 3);
          expect([...mustStay].filter((id) => !at.instances.has(id))).toEqual([]);
          expect([...mustGo].filter((id) => at.instances.has(id))).toEqual([]);
          expect([...busy].filter((name) => !at.runners.has(name))).toEqual([]);
          expect(at.removedWhileRegistered).toEqual([]);
        },
      ),
    );
  });
});
