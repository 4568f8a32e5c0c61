import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type GitHubSim, startGitHubSim } from "../github/sim.ts";
import { mintRunner } from "../github/state/runners.ts";

const file = fileURLToPath(new URL("mini-runner.ts", import.meta.url));
const patient = { timeout: 20_000 };
let sim: GitHubSim;
const children: ChildProcess[] = [];

beforeEach(async () => {
  sim = await startGitHubSim();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await sim.close();
});

function mint(name: string): string {
  const scope = { kind: "organization", account: sim.addOrganization("acme") } as const;
  return mintRunner(sim.world, scope, { name, labels: ["ecs"], runner_group_id: 1 }).jit.encoded;
}

/** One runner process, as a task's container would run it. */
function run(jitConfig: string | undefined, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env["PATH"], ...(jitConfig !== undefined && { ACTIONS_RUNNER_INPUT_JITCONFIG: jitConfig }), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exit = once(child, "close").then(([code]) => code as number | null);
  return { child, exit, output: () => output };
}

const queue = (durationMs: number) => sim.queueJob({ repository: "acme/web", labels: ["ecs"], name: "unit tests", durationMs });

describe("the mini runner", () => {
  it("takes one job, runs it, says so and ends with 0", async () => {
    const job = queue(100);
    const jit = mint("r1");
    const runner = run(jit);
    expect(await runner.exit).toBe(0);
    expect(job).toMatchObject({ status: "completed", conclusion: "success", startedBy: ["r1"] });
    expect(runner.output()).toMatch(
      /Listening for Jobs\n.*Running job: unit tests\n.*Job unit tests completed with result: Succeeded\n/,
    );
    expect(sim.report()).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [], runners: { connected: 1, ranAJob: 1 } });
    expect(runner.output()).not.toContain(jit);
    for (const secret of sim.secrets()) expect(runner.output()).not.toContain(secret);
  }, 30_000);

  it("reports the result that the job has", async () => {
    const job = sim.queueJob({ repository: "acme/web", labels: ["ecs"], name: "lint", outcome: "failure" });
    const runner = run(mint("r1"));
    expect(await runner.exit).toBe(0);
    expect(job.conclusion).toBe("failure");
    expect(runner.output()).toContain("Job lint completed with result: Failed");
  }, 30_000);

  it("cancels its job on SIGTERM and ends with 143", async () => {
    const job = queue(60_000);
    const runner = run(mint("r1"));
    await vi.waitFor(() => expect(runner.output()).toContain("Running job"), patient);
    runner.child.kill("SIGTERM");
    expect(await runner.exit).toBe(143);
    expect(job.conclusion).toBe("cancelled");
    expect(runner.output()).toContain("completed with result: Canceled");
  }, 30_000);

  it("says goodbye on SIGTERM while it waits, and stays behind offline", async () => {
    const runner = run(mint("r1"));
    await vi.waitFor(() => expect(runner.output()).toContain("Listening for Jobs"), patient);
    runner.child.kill("SIGTERM");
    expect(await runner.exit).toBe(143);
    expect(sim.registrations()).toMatchObject([{ name: "r1", phase: "offline" }]);
  }, 30_000);

  it("winds up a job that somebody cancels at GitHub", async () => {
    const job = queue(60_000);
    const runner = run(mint("r1"));
    await vi.waitFor(() => expect(job.status).toBe("in_progress"), patient);
    sim.cancelJob(job.id);
    expect(await runner.exit).toBe(0);
    expect(job.conclusion).toBe("cancelled");
  }, 30_000);

  it("keeps a long job alive by renewing its lock", async () => {
    sim.settings.lockMs = 1_000;
    const job = queue(1_800);
    const runner = run(mint("r1"), { MINI_RUNNER_RENEW_MS: "200" });
    expect(await runner.exit).toBe(0);
    expect(job.conclusion).toBe("success");
  }, 30_000);

  it("ends with 0 and no job when its registration is gone, before it connects or while it waits", async () => {
    const gone = mint("gone");
    sim.reap("gone");
    const refused = run(gone);
    expect(await refused.exit).toBe(0);
    expect(refused.output()).toContain("registration has been deleted");
    const waiting = run(mint("r1"));
    await vi.waitFor(() => expect(waiting.output()).toContain("Listening for Jobs"), patient);
    sim.reap("r1");
    expect(await waiting.exit).toBe(0);
  }, 30_000);

  it("ends with 7 when it is too old and was asked to say so, else with 0", async () => {
    const asked = run(mint("a"), { MINI_RUNNER_VERSION: "2.300.0", ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1" });
    const silent = run(mint("b"), { MINI_RUNNER_VERSION: "2.300.0" });
    expect(await Promise.all([asked.exit, silent.exit])).toEqual([7, 0]);
  }, 30_000);

  it("ends with 0 on a configuration that it cannot read, and does not repeat it", async () => {
    const runner = run("not-a-configuration");
    expect(await runner.exit).toBe(0);
    expect(runner.output()).toContain("cannot be decoded");
    expect(runner.output()).not.toContain("not-a-configuration");
    expect(await run(undefined).exit).toBe(0);
  }, 30_000);

  it("gets over a service that is away for a moment", async () => {
    sim.faults.add({ kind: "status", status: 503, path: "/token$" });
    sim.faults.add({ kind: "reset", path: "^/session$" });
    sim.faults.add({ kind: "status", status: 503, path: "^/message$" });
    sim.faults.add({ kind: "lost-answer", path: "completejob$" });
    const job = queue(10);
    expect(await run(mint("r1"), { MINI_RUNNER_RETRY_MS: "20" }).exit).toBe(0);
    expect(job.conclusion).toBe("success");
    expect(sim.faults.list().map(({ hits }) => hits)).toEqual([1, 1, 1, 1]);
  }, 30_000);
});
