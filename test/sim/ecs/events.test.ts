import { describe, expect, it } from "vitest";
import type { TaskEvent } from "./events.ts";
import { makeBench } from "./testing.ts";

describe("task state change events", () => {
  it("report every change with the version that DescribeTasks shows", async () => {
    const events: TaskEvent[] = [];
    const { sim, launch, describe: read } = await makeBench({ events: { sink: (event) => events.push(event) } });
    const arn = await launch({ startedBy: "uid-1", tags: [{ key: "a", value: "1" }] });
    sim.moveTo(arn, "RUNNING");
    expect(events.map(({ detail }) => [detail["version"], detail["lastStatus"]])).toEqual([
      [1, "PROVISIONING"],
      [2, "PENDING"],
      [3, "ACTIVATING"],
      [4, "RUNNING"],
    ]);
    const task = await read(arn);
    const last = events.at(-1);
    expect(last).toMatchObject({
      version: "0",
      source: "aws.ecs",
      "detail-type": "ECS Task State Change",
      account: "123456789012",
      region: "us-east-1",
      resources: [arn],
      detail: { taskArn: arn, startedBy: "uid-1", version: task.version, startedAt: task.startedAt?.toISOString() },
    });
    expect(last?.detail).not.toHaveProperty("tags");
    expect(last?.detail).not.toHaveProperty("healthStatus");
    expect(last?.detail["updatedAt"]).toMatch(/^\d{4}-.*Z$/);
  });

  it("announce a Spot interruption while the task runs", async () => {
    const events: TaskEvent[] = [];
    const { sim, launch } = await makeBench({ events: { sink: (event) => events.push(event) } });
    const arn = await launch();
    sim.moveTo(arn, "RUNNING");
    sim.interruptSpot(arn);
    expect(events.at(-1)?.detail).toMatchObject({
      lastStatus: "RUNNING",
      desiredStatus: "STOPPED",
      stopCode: "SpotInterruption",
    });
  });

  it("do not happen for a RunTask that gave only failures", async () => {
    const events: TaskEvent[] = [];
    const { sim, run } = await makeBench({ events: { sink: (event) => events.push(event) } });
    sim.faults.failures(["RESOURCE:CPU"]);
    await run();
    expect(events).toEqual([]);
  });

  it("arrive twice, out of order or not at all when told so", async () => {
    const versions: unknown[] = [];
    const sink = (event: TaskEvent): void => void versions.push(event.detail["version"]);
    const { sim, launch } = await makeBench();
    const move = async (): Promise<unknown[]> => {
      versions.length = 0;
      sim.moveTo(await launch(), "RUNNING");
      sim.events.flush();
      return [...versions];
    };
    sim.events.options = { sink, duplicates: (event) => (event.detail["version"] === 2 ? 1 : 0) };
    expect(await move()).toEqual([1, 2, 2, 3, 4]);
    sim.events.options = { sink, drop: (event) => event.detail["lastStatus"] === "PENDING" };
    expect(await move()).toEqual([1, 3, 4]);
    sim.events.options = { sink, reorderWindow: 3 };
    expect(await move()).toEqual([3, 2, 1, 4]);
  });
});
