import { describe, expect, it } from "vitest";
import { FakeClock } from "../support/clock.ts";
import type { JitRunner } from "../../src/github/types.ts";
import { startBench } from "./setup.ts";

const never = new AbortController().signal;
const organization = { organization: "acme" };
const body = (name: string) => ({ name, labels: ["linux"], runnerGroup: "Default" });
const mints = /generate-jitconfig/;

describe("limits", () => {
  it.each([403, 429])("obeys Retry-After with a %i: nothing goes out earlier, for nobody", async (status) => {
    const clock = new FakeClock();
    const { sim, github, calls, metric, log } = await startBench({ clock });
    sim.install("acme");
    await github.mintJitConfig(organization, body("r-0"), never);
    sim.faults.add({ kind: "retry-after", status, retryAfterSeconds: 30, path: "generate-jitconfig" });
    await expect(github.mintJitConfig(organization, body("r-1"), never)).rejects.toMatchObject({
      code: "RateLimited",
      retryAfterMs: 30_000,
      message: expect.stringMatching(/next one may go out at 2026-01-15T09:00:30Z/),
    });
    const before = calls(/./);
    clock.advance(29_999);
    for (const early of [
      () => github.mintJitConfig(organization, body("r-1"), never),
      () => github.deleteRunner(organization, 1, never),
      () => github.listRunners(organization, never),
    ]) {
      await expect(early()).rejects.toMatchObject({ code: "RateLimited", retryAfterMs: 1 });
    }
    expect(calls(/./)).toBe(before);
    expect(await metric("getabako_github_requests_withheld_total", { operation: "mintJitConfig", reason: "RateLimit" })).toBe(1);
    expect(await metric("getabako_github_requests_total", { operation: "mintJitConfig", code: "RateLimited" })).toBe(1);
    expect(log.lines("github limits our calls")).toHaveLength(1);
    clock.advance(1);
    await expect(github.mintJitConfig(organization, body("r-1"), never)).resolves.toMatchObject({ runner: { name: "r-1" } });
  });

  it("sends nothing that was waiting for its turn when the limit came", async () => {
    const { sim, github, calls } = await startBench({ client: { pacing: { concurrency: 1, maxWaitMs: 20_000 } } });
    sim.install("acme");
    sim.faults.add({ kind: "retry-after", retryAfterSeconds: 30, path: "generate-jitconfig" });
    const burst = await Promise.allSettled(
      ["r-1", "r-2", "r-3"].map((name) => github.mintJitConfig(organization, body(name), never)),
    );
    for (const outcome of burst) expect(outcome).toMatchObject({ status: "rejected", reason: { code: "RateLimited" } });
    expect(calls(mints)).toBe(1);
  });

  it("stops one installation for another's limit neither there nor at the App", async () => {
    const clock = new FakeClock();
    const { sim, github } = await startBench({ clock });
    sim.install("acme");
    sim.addOrganization("umbrella");
    sim.install("umbrella");
    await github.listRunners(organization, never);
    sim.faults.add({ kind: "retry-after", retryAfterSeconds: 60, path: "/orgs/acme/actions/runners$" });
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({ code: "RateLimited" });
    await expect(github.listRunners({ organization: "umbrella" }, never)).resolves.toEqual([]);
    await expect(github.getApp(never)).resolves.toBeDefined();
  });

  it("waits a minute, then two, when GitHub gives no hint", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    sim.faults.add({ kind: "retry-after", status: 403, path: "/actions/runners$", times: 2 });
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({ code: "RateLimited", retryAfterMs: 60_000 });
    clock.advance(60_000);
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({ code: "RateLimited", retryAfterMs: 120_000 });
    clock.advance(119_000);
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({ code: "RateLimited", retryAfterMs: 1_000 });
    expect(calls(/\/actions\/runners$/)).toBe(2);
    clock.advance(1_000);
    await expect(github.listRunners(organization, never)).resolves.toEqual([]);
  });

  it.each([403, 429] as const)(
    "stops before the refusal when a bucket is empty, and leaves room for removals (%i)",
    async (status) => {
      const clock = new FakeClock();
      const { sim, github, calls } = await startBench({
        clock,
        sim: { mintBucket: "core", limits: { core: 50, status, windowMs: 600_000 } },
      });
      sim.install("acme");
      const minted: JitRunner[] = [];
      for (const name of ["r-1", "r-2"]) minted.push(await github.mintJitConfig(organization, body(name), never));
      // 50, less the group listing and two registrations, leaves 47; down to the two per cent that are kept.
      for (let read = 0; read < 46; read += 1) await github.listRunners(organization, never);
      await expect(github.mintJitConfig(organization, body("r-3"), never)).rejects.toMatchObject({
        code: "RateLimited",
        retryAfterMs: 600_000,
      });
      await expect(github.deleteRunner(organization, minted[0]?.runner.id ?? 0, never)).resolves.toBe("deleted");
      await expect(github.deleteRunner(organization, minted[1]?.runner.id ?? 0, never)).rejects.toMatchObject({
        code: "RateLimited",
        retryAfterMs: 600_000,
      });
      expect(sim.requests().filter((request) => request.status === status)).toEqual([]);
      expect(calls(/DELETE/)).toBe(1);
      clock.advance(600_000);
      await expect(github.deleteRunner(organization, minted[1]?.runner.id ?? 0, never)).resolves.toBe("deleted");
    },
  );

  it("knows the registration bucket by its name and stops only what is counted there", async () => {
    const clock = new FakeClock();
    const { sim, github } = await startBench({ clock, sim: { limits: { actions_runner_registration: 3, windowMs: 600_000 } } });
    sim.install("acme");
    for (const name of ["r-1", "r-2", "r-3"]) await github.mintJitConfig(organization, body(name), never);
    await expect(github.mintJitConfig(organization, body("r-4"), never)).rejects.toMatchObject({
      code: "RateLimited",
      retryAfterMs: 600_000,
    });
    await expect(github.listRunners(organization, never)).resolves.toHaveLength(3);
    expect(github.rateLimits()).toMatchObject({
      actions_runner_registration: { limit: 3, remaining: 0, resetAt: expect.stringMatching(/^2026-01-15T09:1\d:\d\dZ$/) },
      core: { limit: 5_000 },
    });
  });

  it("tells the quota of the App from that of each installation", async () => {
    const { sim, github } = await startBench();
    sim.install("acme");
    sim.install("other");
    await github.listRunners(organization, never);
    await github.listRunners({ organization: "other" }, never);
    sim.exhaust(sim.install("busy"));
    await expect(github.listRunners({ organization: "busy" }, never)).rejects.toMatchObject({ code: "RateLimited" });
    expect(github.rateLimits()["core"]?.remaining).toBe(0);
    expect(github.rateLimits({ organization: "busy" })["core"]?.remaining).toBe(0);
    expect(github.rateLimits({ repository: "Acme/web" })["core"]?.remaining).toBe(4_999);
    expect(github.rateLimits("app")["core"]?.remaining).toBeGreaterThan(4_900);
    expect(github.rateLimits({ organization: "nobody" })).toEqual({});
  });

  it("shows the buckets as gauges, and drops them with the client", async () => {
    const { sim, github, metric, registry } = await startBench();
    sim.install("acme");
    await github.mintJitConfig(organization, body("r-1"), never);
    const app = String(sim.app.id);
    expect(await metric("getabako_github_rate_limit_remaining", { app, resource: "actions_runner_registration" })).toBe(9_999);
    expect(await metric("getabako_github_rate_limit_limit", { app, resource: "core" })).toBe(5_000);
    expect(await metric("getabako_github_requests_total", { operation: "mintJitConfig", code: "OK" })).toBe(1);
    await github.close();
    expect(await registry.metrics()).not.toContain(`app="${app}"`);
  });

  it("keeps its own pace: a burst beyond it is told when to come back, without a call", async () => {
    const clock = new FakeClock();
    const { sim, github, calls, metric } = await startBench({
      clock,
      client: { pacing: { writes: 6, reservedForDeletes: 2, windowMs: 60_000 } },
    });
    sim.install("acme");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) => github.mintJitConfig(organization, body(`r-${index}`), never)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(26);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "RateLimited", retryAfterMs: expect.any(Number) });
    expect(calls(mints)).toBe(4);
    expect(sim.registrations()).toHaveLength(4);
    expect(await metric("getabako_github_requests_withheld_total", { operation: "mintJitConfig", reason: "Pacing" })).toBe(26);
    await expect(github.deleteRunner(organization, sim.registrations()[0]?.id ?? 0, never)).resolves.toBe("deleted");
    clock.advance(60_000);
    await expect(github.mintJitConfig(organization, body("r-99"), never)).resolves.toBeDefined();
  });

  it("has at most so many registrations under way at a time", async () => {
    const { sim, github } = await startBench({ client: { pacing: { concurrency: 5 } } });
    sim.install("acme");
    await github.listRunners(organization, never);
    const held = sim.faults.add({ kind: "hold", path: "generate-jitconfig", times: 5 });
    const all = Promise.all(Array.from({ length: 10 }, (_, i) => github.mintJitConfig(organization, body(`r-${i}`), never)));
    await expect.poll(() => held.hits).toBe(4);
    // A fifth that were on its way would be there before what is sent after it.
    await github.listRunners(organization, never);
    expect(held.hits).toBe(4);
    held.release();
    await expect.poll(() => held.hits).toBe(5);
    held.release();
    await all;
  });

  it("repeats reads twice, not more, and counts it", async () => {
    const { sim, github, calls, metric, slept } = await startBench();
    sim.install("acme");
    await github.listRunners(organization, never);
    sim.faults.add({ kind: "status", status: 502, path: "/actions/runners$", times: 2 });
    await expect(github.listRunners(organization, never)).resolves.toEqual([]);
    expect(slept).toHaveLength(2);
    sim.faults.add({ kind: "reset", path: "/actions/runners$", times: 9 });
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringMatching(/no complete answer from 127.0.0.1/),
    });
    expect(calls(/\/actions\/runners$/)).toBe(1 + 3 + 3);
    expect(await metric("getabako_github_request_retries_total", { operation: "listRunners" })).toBe(4);
    expect(await metric("getabako_github_requests_total", { operation: "listRunners", code: "Unavailable" })).toBe(5);
  });

  it("does not multiply the load of an outage: the retries of all calls share a budget", async () => {
    const clock = new FakeClock();
    const { sim, github, calls } = await startBench({ clock });
    sim.install("acme");
    await github.listRunners(organization, never);
    sim.faults.add({ kind: "status", status: 503, path: "/actions/runners$", times: Number.POSITIVE_INFINITY });
    await Promise.allSettled(Array.from({ length: 50 }, () => github.listRunners(organization, never)));
    expect(calls(/\/actions\/runners$/)).toBe(1 + 50 + 20);
  });

  it("passes on how long a 503 asks for patience when it asks for more than a call can give", async () => {
    const { sim, github, calls } = await startBench();
    sim.install("acme");
    await github.listRunners(organization, never);
    sim.faults.add({ kind: "status", status: 503, headers: { "retry-after": "120" }, path: "/actions/runners$" });
    await expect(github.listRunners(organization, never)).rejects.toMatchObject({
      code: "Unavailable",
      status: 503,
      retryAfterMs: 120_000,
    });
    expect(calls(/\/actions\/runners$/)).toBe(2);
  });
});
