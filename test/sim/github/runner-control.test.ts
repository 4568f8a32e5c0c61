import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type GitHubSim, startGitHubSim } from "./sim.ts";
import type { Runner } from "./state/model.ts";
import { mintRunner } from "./state/runners.ts";

let sim: GitHubSim;

beforeEach(async () => {
  sim = await startGitHubSim();
});

afterEach(async () => {
  await sim.close();
});

function mint(name: string): Runner {
  const scope = { kind: "organization", account: sim.addOrganization("acme") } as const;
  return mintRunner(sim.world, scope, { name, labels: ["ecs"], runner_group_id: 1 });
}

const queue = (durationMs = 0) => sim.queueJob({ repository: "acme/web", labels: ["ecs"], durationMs });

describe("a runner driven step by step", () => {
  it("is found by configuration, name and id", () => {
    const runner = mint("r");
    for (const which of [runner.jit.encoded, "r", runner.id]) expect(sim.runners.find(which)).toBe(runner);
    expect(() => sim.runners.find("nobody")).toThrow("no live runner");
  });

  it("gets nothing until there is something, and cannot finish what it has not", () => {
    mint("r");
    sim.runners.connect("r");
    expect(sim.runners.poll("r")).toBeUndefined();
    expect(() => sim.runners.finish("r")).toThrow("no job to finish");
    const job = queue();
    expect(sim.runners.poll("r")).toBe(job);
    expect(sim.runners.poll("r")).toBeUndefined();
    expect(sim.runners.finish("r", "failure").conclusion).toBe("failure");
  });
});

describe("a whole runner", () => {
  it("takes one job, runs it for its time and ends", async () => {
    const job = queue(30);
    const runner = mint("r");
    const started = performance.now();
    expect(await sim.runners.start(runner.jit.encoded).done).toEqual({ exitCode: 0, reason: "job-finished", jobId: job.id });
    expect(performance.now() - started).toBeGreaterThanOrEqual(25);
    expect(job.conclusion).toBe("success");
    expect(sim.registrations()).toEqual([]);
    const story = ["job-queued", "runner-minted", "runner-online", "job-assigned", "job-started", "job-completed", "runner-gone"];
    expect(sim.journal(job.id).map(({ kind }) => kind)).toEqual(story);
  });

  it("waits for a job that comes later", async () => {
    const process = sim.runners.start(mint("r").jit.encoded);
    const job = queue();
    expect((await process.done).jobId).toBe(job.id);
  });

  it("ends with 0 although it did nothing: configuration unknown, used, or reaped while it waited", async () => {
    expect(await sim.runners.start("nonsense").done).toMatchObject({ exitCode: 0, reason: "refused" });
    const runner = mint("r");
    const first = sim.runners.start(runner.jit.encoded);
    expect(await sim.runners.start(runner.jit.encoded).done).toMatchObject({ exitCode: 0, reason: "refused" });
    sim.reap("r");
    expect(await first.done).toMatchObject({ exitCode: 0, reason: "registration-gone" });
  });

  it("cancels its job on SIGTERM", async () => {
    const job = queue(60_000);
    const process = sim.runners.start(mint("r").jit.encoded);
    await expect.poll(() => job.status).toBe("in_progress");
    process.stop("SIGTERM");
    expect(await process.done).toMatchObject({ exitCode: 143, reason: "terminated" });
    expect(job.conclusion).toBe("cancelled");
    expect(sim.report().interrupted).toMatchObject([{ id: job.id }]);
  });

  it("vanishes on SIGKILL, and GitHub still believes in it", async () => {
    const job = queue(60_000);
    const runner = mint("r");
    const process = sim.runners.start(runner.jit.encoded);
    await expect.poll(() => job.status).toBe("in_progress");
    process.stop("SIGKILL");
    expect((await process.done).exitCode).toBe(137);
    expect(job.status).toBe("in_progress");
    expect(runner).toMatchObject({ phase: "offline", busy: true });
  });

  it("ends when somebody cancels its job", async () => {
    const job = queue(60_000);
    const process = sim.runners.start(mint("r").jit.encoded);
    await expect.poll(() => job.status).toBe("in_progress");
    sim.cancelJob(job.id);
    expect(await process.done).toMatchObject({ exitCode: 0, reason: "job-finished" });
    expect(sim.report().interrupted).toEqual([]);
  });

  it("listens on for ever when its job was cancelled before it could acquire it", async () => {
    sim.listen((entry) => {
      if (entry.kind === "job-assigned" && entry.job) sim.cancelJob(entry.job.id);
    });
    const process = sim.runners.start(mint("r").jit.encoded);
    queue();
    expect(sim.registrations()).toEqual([]);
    const ended = vi.fn<() => void>();
    void process.done.then(() => ended());
    await sim.webhooks.settled();
    expect(ended).not.toHaveBeenCalled();
    process.stop("SIGTERM");
    expect((await process.done).exitCode).toBe(143);
  });
});
