import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GitHubSim, startGitHubSim } from "./sim.ts";
import { call, installationToken } from "./testing.ts";

let sim: GitHubSim;
let token: string;
const path = "/orgs/acme/actions/runners/generate-jitconfig";
const mint = (name: string) => call(sim, "POST", path, token, { name, runner_group_id: 1, labels: ["ecs"] });
const list = () => call(sim, "GET", "/orgs/acme/actions/runners", token);

beforeEach(async () => {
  sim = await startGitHubSim({ seed: 3 });
  token = await installationToken(sim, sim.install("acme"));
});

afterEach(async () => {
  await sim.close();
});

describe("a fault", () => {
  it("answers with a status before anything happened, so many times", async () => {
    const fault = sim.faults.add({ kind: "status", status: 502, method: "POST", path: /jitconfig$/, times: 2 });
    expect([(await mint("a")).status, (await mint("a")).status, (await mint("a")).status]).toEqual([502, 502, 201]);
    expect(fault.hits).toBe(2);
    expect((await list()).status).toBe(200);
    expect(sim.violations).toEqual([]);
  });

  it("answers with a status although GitHub has acted", async () => {
    sim.faults.add({ kind: "status", status: 500, when: "after" });
    expect((await mint("a")).status).toBe(500);
    expect((await mint("a")).status).toBe(409);
  });

  it("loses the answer to a registration that exists from then on", async () => {
    sim.faults.add({ kind: "lost-answer", path: "jitconfig" });
    await expect(mint("a")).rejects.toThrow();
    expect(sim.registrations().map(({ name }) => name)).toEqual(["a"]);
    expect((await mint("a")).status).toBe(409);
    expect(sim.requests().at(-2)).toMatchObject({
      status: 0,
      fault: "lost-answer",
      operation: "actions/generate-runner-jitconfig-for-org",
    });
  });

  it("cuts the connection before anything happened", async () => {
    sim.faults.add({ kind: "reset" });
    await expect(mint("a")).rejects.toThrow();
    expect(sim.registrations()).toEqual([]);
  });

  it("leaves the caller hanging until its own deadline", async () => {
    const fault = sim.faults.add({ kind: "hang" });
    const deadline = new AbortController();
    const asked = fetch(`${sim.url}/app`, { signal: deadline.signal });
    await fault.struck();
    deadline.abort(new Error("the caller's deadline"));
    await expect(asked).rejects.toThrow("the caller's deadline");
    expect(fault.hits).toBe(1);
  });

  it("sends the body slowly", async () => {
    sim.faults.add({ kind: "slow-body", ms: 40 });
    const started = performance.now();
    expect((await list()).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(35);
  });

  it.each([
    { status: 403, seconds: 7 },
    { status: 429, seconds: undefined },
  ])("is a secondary limit with $status and retry-after $seconds", async ({ status, seconds }) => {
    sim.faults.add({ kind: "retry-after", status, ...(seconds !== undefined && { retryAfterSeconds: seconds }) });
    const reply = await list();
    expect(reply.status).toBe(status);
    expect(reply.headers.get("retry-after")).toBe(seconds === undefined ? null : "7");
    expect(reply.body.message).toContain("secondary rate limit");
  });

  it("holds a request at the door until it is let in", async () => {
    const fault = sim.faults.add({ kind: "hold" });
    const minting = mint("a");
    await fault.struck();
    expect(sim.registrations()).toEqual([]);
    fault.release();
    expect((await minting).status).toBe(201);
  });

  it("holds an answer back after GitHub acted", async () => {
    const fault = sim.faults.add({ kind: "hold", when: "after" });
    const minting = mint("a");
    await expect.poll(() => sim.registrations().length).toBe(1);
    fault.remove();
    expect((await minting).status).toBe(201);
  });

  it("can come later, by chance, and be taken away", async () => {
    sim.faults.add({ kind: "status", status: 500, skip: 1 });
    expect([(await list()).status, (await list()).status, (await list()).status]).toEqual([200, 500, 200]);
    sim.faults.add({ kind: "status", status: 500, probability: 0.5, times: Number.POSITIVE_INFINITY });
    const statuses: number[] = [];
    for (let index = 0; index < 20; index += 1) statuses.push((await list()).status);
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
    sim.faults.clear();
    expect((await list()).status).toBe(200);
    expect(sim.faults.list()).toEqual([]);
  });
});

describe("latencies", () => {
  it("belong to a class of routes", async () => {
    sim.settings.latencyMs = { mint: 60 };
    const before = performance.now();
    await mint("a");
    expect(performance.now() - before).toBeGreaterThanOrEqual(55);
  });
});
