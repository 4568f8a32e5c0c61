import { RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { fargateDefinition, makeBench } from "./testing.ts";
import { taskStatuses } from "./state/task.ts";

describe("a task's life", () => {
  it("goes through all eight states by itself, each with a higher version", async () => {
    const { sim, launch, describe: read } = await makeBench({ timings: 1 });
    const seen: string[] = [];
    const versions: number[] = [];
    sim.onChange((task) => {
      seen.push(task.lastStatus);
      versions.push(task.version);
      if (task.lastStatus === "RUNNING" && task.desiredStatus === "RUNNING") {
        // After the change is through: this is what a runner that ends does.
        setImmediate(() => sim.exit(task.arn, { exitCode: 0 }));
      }
    });
    const arn = await launch();
    await expect.poll(() => sim.task(arn).lastStatus).toBe("STOPPED");
    expect([...new Set(seen)]).toEqual([...taskStatuses]);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    const task = await read(arn);
    expect(task).toMatchObject({
      version: versions.at(-1),
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
    });
    expect(task.containers?.[0]).toMatchObject({ lastStatus: "STOPPED", exitCode: 0 });
    const times = [
      task.createdAt,
      task.pullStartedAt,
      task.pullStoppedAt,
      task.startedAt,
      task.executionStoppedAt,
      task.stoppedAt,
    ];
    expect(times.every((time) => time instanceof Date)).toBe(true);
    expect(times.map(Number)).toEqual(times.map(Number).toSorted((a, b) => a - b));
  });

  it("stays in a state until it is told, when its timing is 0", async () => {
    const { sim, launch, describe: read } = await makeBench({ timings: { PROVISIONING: 1, PENDING: 0 } });
    const arn = await launch();
    await expect.poll(() => sim.task(arn).lastStatus).toBe("PENDING");
    for (const status of ["ACTIVATING", "RUNNING"] as const) {
      sim.moveTo(arn, status);
      expect((await read(arn)).lastStatus).toBe(status);
    }
    expect(() => sim.moveTo(arn, "PENDING")).toThrow(/cannot go back/);
  });

  it("keeps the stop code and reason of the first cause", async () => {
    const { sim, launch, describe: read } = await makeBench();
    const arn = await launch();
    sim.moveTo(arn, "RUNNING");
    sim.exit(arn, { exitCode: 3, reason: "broken" });
    sim.interruptSpot(arn);
    sim.moveTo(arn, "STOPPED");
    const task = await read(arn);
    expect(task.stopCode).toBe("EssentialContainerExited");
    expect(task.containers?.[0]).toMatchObject({ exitCode: 3, reason: "broken" });
  });

  it.each(["SpotInterruption", "TerminationNotice"] as const)(
    "shows a Spot notice as %s while the task still runs",
    async (stopCode) => {
      const { sim, launch, describe: read } = await makeBench();
      const arn = await launch({ capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] });
      sim.moveTo(arn, "RUNNING");
      sim.interruptSpot(arn, stopCode);
      expect(await read(arn)).toMatchObject({
        lastStatus: "RUNNING",
        desiredStatus: "STOPPED",
        stopCode,
        stoppedReason: "Your Spot Task was interrupted.",
      });
      sim.moveTo(arn, "STOPPED");
      expect(await read(arn)).toMatchObject({ lastStatus: "STOPPED", stopCode });
    },
  );

  it.each([
    "CannotPullContainerError: not found",
    "ResourceInitializationError: no route",
    "Timeout waiting for network interface provisioning to complete.",
  ])("can fail to start: %s", async (reason) => {
    const { sim, launch, describe: read } = await makeBench();
    const arn = await launch();
    sim.moveTo(arn, "PENDING");
    sim.failToStart(arn, reason);
    sim.moveTo(arn, "STOPPED");
    const task = await read(arn);
    expect(task).toMatchObject({ stopCode: "TaskFailedToStart", stoppedReason: reason });
    expect(task.startedAt).toBeUndefined();
    expect(task.containers?.[0]?.exitCode).toBeUndefined();
  });

  it("cannot fail to start once it runs", async () => {
    const { sim, launch } = await makeBench();
    const arn = await launch();
    sim.moveTo(arn, "RUNNING");
    expect(() => sim.failToStart(arn, "CannotPullContainerError")).toThrow(/has started already/);
  });

  it("shows memory that ran out and a host that failed", async () => {
    const { sim, launch, describe: read } = await makeBench();
    const [killed, lost] = [await launch(), await launch()];
    for (const arn of [killed, lost]) {
      sim.moveTo(arn, "RUNNING");
    }
    sim.outOfMemory(killed);
    sim.failHost(lost);
    expect((await read(killed)).containers?.[0]).toMatchObject({
      exitCode: 137,
      reason: expect.stringMatching(/^OutOfMemoryError/),
    });
    expect((await read(lost)).stopCode).toBe("InfrastructureHealth");
  });

  it("waits for capacity in PROVISIONING while it is held back", async () => {
    const { sim, launch } = await makeBench({ timings: 1 });
    sim.capacity.hold("FARGATE_SPOT");
    const waiting = await launch({ capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }] });
    const other = await launch();
    await expect.poll(() => sim.task(other).lastStatus).toBe("RUNNING");
    expect(sim.task(waiting).lastStatus).toBe("PROVISIONING");
    sim.capacity.release("FARGATE_SPOT");
    await expect.poll(() => sim.task(waiting).lastStatus).toBe("RUNNING");
  });

  it("ends with its reset: nothing of the old account is seen any more", async () => {
    const { sim, client, launch } = await makeBench({ timings: 5 });
    const old = await launch();
    const changed = new Set<string>();
    sim.onChange((task) => changed.add(task.arn));
    await sim.reset();
    expect(sim.report()).toMatchObject({ launched: 0, live: [], calls: {}, violations: [] });
    expect(() => sim.task(old)).toThrow(/no task/);
    const registered = await client.send(new RegisterTaskDefinitionCommand(fargateDefinition));
    const arn = await launch({ taskDefinition: registered.taskDefinition?.taskDefinitionArn });
    // Three states of the new task take longer than the one that the old task still had before it.
    await expect.poll(() => sim.task(arn).lastStatus).toBe("RUNNING");
    expect([...changed]).toEqual([arn]);
  });
});
