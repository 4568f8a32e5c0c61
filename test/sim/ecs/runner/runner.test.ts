import { RegisterTaskDefinitionCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { describe, expect, it, vi } from "vitest";
import { type Bench, fargateDefinition, makeBench } from "../testing.ts";
import { parseEnvironmentFile } from "./environment.ts";
import type { RunnerHook, RunningTask } from "./types.ts";

const withEnvironment = (name: string, value: string) => ({
  overrides: { containerOverrides: [{ name: "runner", environment: [{ name, value }] }] },
});

function stopped({ sim }: Bench, arn: string): Promise<void> {
  return vi.waitFor(() => expect(sim.task(arn).lastStatus).toBe("STOPPED"), { timeout: 5_000, interval: 5 });
}

function ended(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

describe("a runner in the same process", () => {
  it("gets what the container would get, and its result is the task's", async () => {
    const seen: RunningTask[] = [];
    const bench = await makeBench({
      timings: 1,
      runner: async (task) => {
        seen.push(task);
        return 5;
      },
    });
    const arn = await bench.launch({
      startedBy: "uid-1",
      group: "1",
      tags: [{ key: "a", value: "1" }],
      ...withEnvironment("ACTIONS_RUNNER_INPUT_JITCONFIG", "blob"),
    });
    await stopped(bench, arn);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      arn,
      cluster: "runners",
      startedBy: "uid-1",
      group: "1",
      capacity: "FARGATE",
      tags: { a: "1" },
      container: "runner",
      image: "ghcr.io/acme/runner:1",
      environment: { ACTIONS_RUNNER_INPUT_JITCONFIG: "blob" },
    });
    expect(await bench.describe(arn)).toMatchObject({ stopCode: "EssentialContainerExited", containers: [{ exitCode: 5 }] });
  });

  it("gets overrides on top of the definition's environment", async () => {
    const environments: unknown[] = [];
    const bench = await makeBench({ timings: 1, runner: async (task) => void environments.push(task.environment) });
    const container = {
      name: "runner",
      image: "x",
      environment: [
        { name: "A", value: "1" },
        { name: "B", value: "1" },
      ],
    };
    await bench.client.send(
      new RegisterTaskDefinitionCommand({ ...fargateDefinition, family: "env", containerDefinitions: [container] }),
    );
    await stopped(bench, await bench.launch({ taskDefinition: "env", ...withEnvironment("B", "2") }));
    expect(environments).toEqual([{ A: "1", B: "2" }]);
  });

  it("that throws ends its task with exit code 1", async () => {
    const bench = await makeBench({ timings: 1, runner: () => Promise.reject(new Error("no broker")) });
    const arn = await bench.launch();
    await stopped(bench, arn);
    expect((await bench.describe(arn)).containers?.[0]).toMatchObject({ exitCode: 1, reason: "runner failed: no broker" });
  });

  it("that only watches leaves the task running", async () => {
    const watched: string[] = [];
    const bench = await makeBench({ timings: 1, runner: (task) => void watched.push(task.arn) });
    const arn = await bench.launch();
    await expect.poll(() => watched).toEqual([arn]);
    expect(bench.sim.task(arn).lastStatus).toBe("RUNNING");
    await bench.client.send(new StopTaskCommand({ cluster: "runners", task: arn }));
    await stopped(bench, arn);
  });

  it("gets SIGTERM at StopTask, and its exit code is kept", async () => {
    const bench = await makeBench({
      timings: 1,
      runner: async (task) => {
        await ended(task.terminated);
        return 12;
      },
    });
    const arn = await bench.launch();
    await expect.poll(() => bench.sim.task(arn).lastStatus).toBe("RUNNING");
    await bench.client.send(new StopTaskCommand({ cluster: "runners", task: arn }));
    await stopped(bench, arn);
    expect(await bench.describe(arn)).toMatchObject({ stopCode: "UserInitiated", containers: [{ exitCode: 12 }] });
  });

  it("gets SIGKILL after the stop time-out if it ignores SIGTERM", async () => {
    let killed = false;
    const bench = await makeBench({
      timings: 1,
      stopTimeoutMs: 20,
      runner: async (task) => {
        await ended(task.killed);
        killed = true;
        return 0;
      },
    });
    const arn = await bench.launch();
    await expect.poll(() => bench.sim.task(arn).lastStatus).toBe("RUNNING");
    bench.sim.interruptSpot(arn);
    await stopped(bench, arn);
    expect(killed).toBe(true);
    expect(await bench.describe(arn)).toMatchObject({ stopCode: "SpotInterruption", containers: [{ exitCode: 137 }] });
  });

  it("never starts in a task that was stopped before", async () => {
    const runner = vi.fn<RunnerHook>();
    const bench = await makeBench({ runner });
    const arn = await bench.launch();
    bench.sim.stop(arn);
    bench.sim.moveTo(arn, "STOPPED");
    expect(runner).not.toHaveBeenCalled();
  });
});

describe("a runner program", () => {
  // Run by the same Node; reads its environment, as the entrypoint of a runner image does.
  const program = (source: string) => ({ command: [process.execPath, "-e", source] as [string, ...string[]] });

  it("is started with the task's environment and nothing of ours, and its exit code is the task's", async () => {
    const lines: string[] = [];
    const bench = await makeBench({
      timings: 1,
      runner: {
        ...program("console.log(process.env.JIT, process.env.EXTRA, process.env.HOME); process.exit(9)"),
        env: { EXTRA: "e" },
        onLine: (_task, line) => lines.push(line),
      },
    });
    const arn = await bench.launch(withEnvironment("JIT", "blob"));
    await stopped(bench, arn);
    expect(lines).toEqual(["blob e undefined"]);
    expect(bench.sim.task(arn).containers[0]?.exitCode).toBe(9);
  });

  it("gets SIGTERM at StopTask", async () => {
    const lines: string[] = [];
    const bench = await makeBench({
      timings: 1,
      runner: {
        ...program("process.on('SIGTERM', () => process.exit(4)); setInterval(() => {}, 1000); console.log('up')"),
        onLine: (_task, line) => lines.push(line),
      },
    });
    const arn = await bench.launch();
    await vi.waitFor(() => expect(lines).toEqual(["up"]), { timeout: 5_000 });
    bench.sim.stop(arn);
    await stopped(bench, arn);
    expect(bench.sim.task(arn).containers[0]?.exitCode).toBe(4);
  });

  it("gets SIGKILL when it ignores SIGTERM, and at the end of the simulator", async () => {
    const pids: number[] = [];
    const bench = await makeBench({
      timings: 1,
      stopTimeoutMs: 20,
      runner: {
        ...program("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)"),
        onLine: (_task, line) => pids.push(Number(line)),
      },
    });
    const [killed, left] = [await bench.launch(), await bench.launch()];
    await vi.waitFor(() => expect(pids).toHaveLength(2), { timeout: 5_000 });
    bench.sim.stop(killed);
    await stopped(bench, killed);
    expect(bench.sim.task(killed).containers[0]?.exitCode).toBe(137);
    expect(bench.sim.task(left).lastStatus).toBe("RUNNING");
    await bench.sim.reset();
    for (const pid of pids) {
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    }
  });

  it("that cannot be started ends its task", async () => {
    const bench = await makeBench({ timings: 1, runner: { command: ["/nonexistent/program"] } });
    const arn = await bench.launch();
    await stopped(bench, arn);
    expect(bench.sim.task(arn).containers[0]).toMatchObject({
      exitCode: 127,
      reason: expect.stringContaining("CannotStartContainerError"),
    });
  });
});

describe("environment files", () => {
  const file = { type: "s3" as const, value: "arn:aws:s3:::handover/uid-1.env" };
  const withFile = {
    executionRoleArn: "arn:aws:iam::123456789012:role/execution",
    containerOverrides: [{ name: "runner", environmentFiles: [file] }],
  };

  it("are read by the ARN of the override, and variables win over them", async () => {
    const environments: unknown[] = [];
    const bench = await makeBench({
      timings: 1,
      readEnvironmentFile: async (arn) => (arn === file.value ? "# from S3\nJIT=a=b==\nA=file\n" : ""),
      runner: async (task) => void environments.push(task.environment),
    });
    const overrides = {
      ...withFile,
      containerOverrides: [{ name: "runner", environmentFiles: [file], environment: [{ name: "A", value: "override" }] }],
    };
    await stopped(bench, await bench.launch({ overrides }));
    expect(environments).toEqual([{ JIT: "a=b==", A: "override" }]);
  });

  it("that are not there keep the task from starting", async () => {
    const runner = vi.fn<RunnerHook>();
    const bench = await makeBench({ timings: 1, readEnvironmentFile: () => Promise.reject(new Error("NoSuchKey")), runner });
    const arn = await bench.launch({ overrides: withFile });
    await stopped(bench, arn);
    expect(await bench.describe(arn)).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: "ResourceInitializationError: failed to download env files: NoSuchKey",
    });
    expect(runner).not.toHaveBeenCalled();
  });

  it("have one variable a line, without quotes and escapes; the first duplicate wins", () => {
    expect(parseEnvironmentFile('A=1\n\n#B=2\nC="x y"\r\nA=3\nD=')).toEqual({ A: "1", C: '"x y"', D: "" });
    expect(() => parseEnvironmentFile("just text")).toThrow(/not NAME=value/);
  });
});
