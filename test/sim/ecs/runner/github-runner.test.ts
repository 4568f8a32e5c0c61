import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startGitHubSim } from "../../github/sim.ts";
import { call, installationToken } from "../../github/testing.ts";
import type { EcsSimOptions } from "../options.ts";
import { type Bench, makeBench } from "../testing.ts";
import { githubRunner, jitVariable } from "./github-runner.ts";

type GitHub = Awaited<ReturnType<typeof startGitHubSim>>;

async function startGitHub(): Promise<GitHub> {
  const github = await startGitHubSim();
  onTestFinished(() => github.close());
  github.addRepository("acme/web");
  return github;
}

/** A task that holds the JIT configuration of a new runner for acme/web. */
async function launchRunner(github: GitHub, bench: Bench, name: string): Promise<string> {
  const token = await installationToken(github, github.install("acme"));
  const body = { name, runner_group_id: 1, labels: ["self-hosted", "ecs"] };
  const reply = await call(github, "POST", "/repos/acme/web/actions/runners/generate-jitconfig", token, body);
  const jit = (reply.body as { encoded_jit_config: string }).encoded_jit_config;
  const environment = [{ name: jitVariable, value: jit }];
  return bench.launch({ startedBy: name, overrides: { containerOverrides: [{ name: "runner", environment }] } });
}

const miniRunner = fileURLToPath(new URL("../../runner/mini-runner.ts", import.meta.url));
const kinds: readonly (readonly [string, (github: GitHub) => EcsSimOptions])[] = [
  ["a runner inside the simulator", (github) => ({ runner: githubRunner(github) })],
  ["the small runner as a child process", () => ({ runner: { command: [process.execPath, miniRunner] } })],
];

describe.each(kinds)("%s", (_kind, options) => {
  it("takes the job that waits, and its task ends with it", async () => {
    const github = await startGitHub();
    const bench = await makeBench({ timings: 1, ...options(github) });
    const job = github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 20 });
    const arn = await launchRunner(github, bench, "job-1-1");
    await vi.waitFor(() => expect(bench.sim.task(arn).lastStatus).toBe("STOPPED"), { timeout: 10_000, interval: 10 });
    expect(bench.sim.task(arn)).toMatchObject({ stopCode: "EssentialContainerExited", containers: [{ exitCode: 0 }] });
    expect(github.job(job.id)).toMatchObject({ status: "completed", conclusion: "success" });
    expect(github.registrations()).toEqual([]);
    expect(bench.sim.violations).toEqual([]);
  }, 20_000);

  it("ends when its task is stopped", async () => {
    const github = await startGitHub();
    const bench = await makeBench({ timings: 1, ...options(github) });
    const arn = await launchRunner(github, bench, "job-2-1");
    await vi.waitFor(() => expect(github.registrations()[0]?.phase).toBe("online"), { timeout: 10_000, interval: 10 });
    bench.sim.stop(arn, "no job");
    await vi.waitFor(() => expect(bench.sim.task(arn).lastStatus).toBe("STOPPED"), { timeout: 10_000, interval: 10 });
    expect(bench.sim.task(arn)).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "no job" });
    expect(bench.sim.task(arn).containers[0]?.exitCode).not.toBe(137);
  }, 20_000);
});

describe("a task without a JIT configuration", () => {
  it("ends with exit code 1", async () => {
    const github = await startGitHub();
    const bench = await makeBench({ timings: 1, runner: githubRunner(github) });
    const arn = await bench.launch();
    await expect.poll(() => bench.sim.task(arn).lastStatus).toBe("STOPPED");
    expect(bench.sim.task(arn).containers[0]).toMatchObject({ exitCode: 1, reason: `${jitVariable} is not set` });
  });
});
