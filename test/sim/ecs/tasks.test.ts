import {
  DescribeTasksCommand,
  ListTagsForResourceCommand,
  ListTasksCommand,
  StopTaskCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { type Bench, makeBench } from "./testing.ts";

const unknownId = "0".repeat(32);

function describeTasks({ client }: Bench, tasks: string[]) {
  return client.send(new DescribeTasksCommand({ cluster: "runners", tasks }));
}

async function list({ client }: Bench, input: object = {}): Promise<readonly string[]> {
  return (await client.send(new ListTasksCommand({ cluster: "runners", ...input }))).taskArns ?? [];
}

function stop({ client }: Bench, task: string, reason?: string) {
  return client.send(new StopTaskCommand({ cluster: "runners", task, reason }));
}

describe("DescribeTasks", () => {
  it("finds tasks by ARN and by id, and says MISSING for the rest", async () => {
    const bench = await makeBench();
    const arn = await bench.launch();
    const reply = await describeTasks(bench, [arn.slice(-32), unknownId]);
    expect(reply.tasks?.map((task) => task.taskArn)).toEqual([arn]);
    expect(reply.failures).toEqual([{ arn: `arn:aws:ecs:us-east-1:123456789012:task/runners/${unknownId}`, reason: "MISSING" }]);
    expect(bench.sim.violations).toEqual([]);
  });

  it("does not see tasks of another cluster", async () => {
    const bench = await makeBench();
    const arn = await bench.launch({ cluster: "default" });
    expect((await describeTasks(bench, [arn])).failures).toEqual([{ arn, reason: "MISSING" }]);
  });

  it("gives tags only when they are asked for", async () => {
    const bench = await makeBench();
    const arn = await bench.launch({ tags: [{ key: "a", value: "1" }] });
    expect((await describeTasks(bench, [arn])).tasks?.[0]?.tags).toBeUndefined();
    expect((await bench.describe(arn)).tags).toEqual([{ key: "a", value: "1" }]);
  });

  it("takes 100 tasks and no more, and none is too few", async () => {
    const bench = await makeBench();
    const ids = Array.from({ length: 101 }, (_, index) => String(index).padStart(32, "0"));
    expect((await describeTasks(bench, ids.slice(1))).failures).toHaveLength(100);
    await expect(describeTasks(bench, ids)).rejects.toMatchObject({ name: "InvalidParameterException" });
    await expect(describeTasks(bench, [])).rejects.toMatchObject({ name: "InvalidParameterException" });
  });

  it("refuses what is neither an id nor a task's ARN", async () => {
    const bench = await makeBench();
    await expect(describeTasks(bench, ["job-1"])).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: "taskId length should be one of [32,36]",
    });
    await expect(describeTasks(bench, [bench.definition])).rejects.toThrow(/Invalid identifier/);
    expect(bench.sim.violations).toHaveLength(2);
  });

  it("forgets a stopped task after an hour", async () => {
    const bench = await makeBench();
    const arn = await bench.launch();
    bench.sim.moveTo(arn, "STOPPED");
    bench.sim.advanceClock(3_599_000);
    expect((await bench.describe(arn)).lastStatus).toBe("STOPPED");
    bench.sim.advanceClock(1_000);
    expect((await describeTasks(bench, [arn])).failures?.[0]?.reason).toBe("MISSING");
    await expect(stop(bench, arn)).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: "The referenced task was not found.",
    });
  });

  it("forgets a task at once on command", async () => {
    const bench = await makeBench();
    const arn = await bench.launch();
    bench.sim.expire(arn);
    expect((await describeTasks(bench, [arn])).failures?.[0]?.reason).toBe("MISSING");
    expect(await list(bench)).toEqual([]);
  });

  it("misses a new task for as many reads as told", async () => {
    const bench = await makeBench();
    bench.sim.hideNewTasks(3);
    const arn = await bench.launch();
    expect((await describeTasks(bench, [arn])).failures?.[0]?.reason).toBe("MISSING");
    expect(await list(bench)).toEqual([]);
    expect((await describeTasks(bench, [arn])).tasks).toEqual([]);
    expect(await list(bench)).toEqual([arn]);
    expect((await describeTasks(bench, [arn])).tasks).toHaveLength(1);
  });
});

describe("ListTasks", () => {
  it("lists what is to run, by startedBy or by family", async () => {
    const bench = await makeBench();
    const one = await bench.launch({ startedBy: "uid-1" });
    const two = await bench.launch({ startedBy: "uid-2" });
    expect(await list(bench)).toEqual([one, two]);
    expect(await list(bench, { startedBy: "uid-2" })).toEqual([two]);
    expect(await list(bench, { family: "runner", launchType: "FARGATE" })).toEqual([one, two]);
    expect(await list(bench, { family: "other" })).toEqual([]);
    await stop(bench, one);
    expect(await list(bench)).toEqual([two]);
    expect(await list(bench, { startedBy: "uid-1" })).toEqual([]);
    expect(await list(bench, { desiredStatus: "STOPPED" })).toEqual([one]);
    expect(await list(bench, { desiredStatus: "PENDING" })).toEqual([]);
  });

  it.each([{ family: "runner" }, { desiredStatus: "STOPPED" }, { launchType: "FARGATE" }])(
    "refuses startedBy together with %o",
    async (filter) => {
      const bench = await makeBench();
      await expect(list(bench, { startedBy: "uid-1", ...filter })).rejects.toThrow(/must be the only filter/);
      expect(bench.sim.violations).toHaveLength(1);
    },
  );

  it("pages, and loses nothing when tasks stop between the pages", async () => {
    const bench = await makeBench();
    const { tasks = [] } = await bench.run({ count: 10 });
    const arns = tasks.map((task) => task.taskArn ?? "");
    const first = await bench.client.send(new ListTasksCommand({ cluster: "runners", maxResults: 4 }));
    expect(first.taskArns).toEqual(arns.slice(0, 4));
    await stop(bench, arns[0] ?? "");
    await stop(bench, arns[3] ?? "");
    const second = await bench.client.send(
      new ListTasksCommand({ cluster: "runners", maxResults: 100, nextToken: first.nextToken }),
    );
    expect(second.taskArns).toEqual(expect.arrayContaining(arns.slice(4)));
    expect(second.nextToken).toBeUndefined();
  });

  it.each([{ maxResults: 0 }, { maxResults: 101 }, { nextToken: "?" }])("refuses %o", async (input) => {
    const bench = await makeBench();
    await expect(list(bench, input)).rejects.toMatchObject({ name: "InvalidParameterException" });
  });
});

describe("StopTask", () => {
  it("returns at once with desiredStatus STOPPED and stops the task step by step", async () => {
    const bench = await makeBench();
    const arn = await bench.launch();
    bench.sim.moveTo(arn, "RUNNING");
    const { task } = await stop(bench, arn, "job cancelled");
    expect(task).toMatchObject({
      lastStatus: "RUNNING",
      desiredStatus: "STOPPED",
      stopCode: "UserInitiated",
      stoppedReason: "job cancelled",
    });
    expect(task?.stoppingAt).toBeInstanceOf(Date);
    const seen: string[] = [];
    bench.sim.onChange(({ lastStatus }) => seen.push(lastStatus));
    bench.sim.moveTo(arn, "STOPPED");
    expect([...new Set(seen)]).toEqual(["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]);
    const stopped = await bench.describe(arn);
    expect(stopped).toMatchObject({ stopCode: "UserInitiated", stoppedReason: "job cancelled" });
    expect(stopped.containers?.[0]?.exitCode).toBe(143);
    expect(stopped.stoppedAt).toBeInstanceOf(Date);
  });

  it("deletes the task's tags", async () => {
    const bench = await makeBench();
    const arn = await bench.launch({ tags: [{ key: "a", value: "1" }] });
    expect((await stop(bench, arn)).task?.tags).toEqual([]);
    expect((await bench.describe(arn)).tags).toEqual([]);
    expect(bench.sim.task(arn).launchTags).toEqual([{ key: "a", value: "1" }]);
  });

  it("works before the task runs, and no container has an exit code then", async () => {
    const bench = await makeBench();
    const arn = await bench.launch();
    await stop(bench, arn);
    bench.sim.moveTo(arn, "STOPPED");
    const task = await bench.describe(arn);
    expect(task).toMatchObject({ lastStatus: "STOPPED", stopCode: "UserInitiated" });
    expect(task.startedAt).toBeUndefined();
    expect(task.containers?.[0]?.exitCode).toBeUndefined();
  });

  it("changes nothing the second time, nor on a stopped task", async () => {
    const bench = await makeBench();
    const arn = await bench.launch();
    await stop(bench, arn, "first");
    const version = (await bench.describe(arn)).version;
    expect((await stop(bench, arn, "second")).task).toMatchObject({ stoppedReason: "first", version });
    bench.sim.moveTo(arn, "STOPPED");
    expect((await stop(bench, arn, "third")).task).toMatchObject({ lastStatus: "STOPPED", stoppedReason: "first" });
  });

  it("refuses an unknown task and a reason of 256 characters", async () => {
    const bench = await makeBench();
    await expect(stop(bench, unknownId)).rejects.toMatchObject({
      name: "InvalidParameterException",
      message: "The referenced task was not found.",
    });
    expect(bench.sim.violations).toEqual([]);
    const arn = await bench.launch();
    await expect(stop(bench, arn, "r".repeat(256))).rejects.toThrow(/at most 255/);
    expect((await bench.describe(arn)).desiredStatus).toBe("RUNNING");
  });
});

describe("tags of tasks and definitions", () => {
  it("are added, replaced and removed", async () => {
    const { client, launch, definition } = await makeBench();
    for (const resourceArn of [await launch({ tags: [{ key: "a", value: "1" }] }), definition]) {
      await client.send(
        new TagResourceCommand({
          resourceArn,
          tags: [
            { key: "a", value: "2" },
            { key: "b", value: "3" },
          ],
        }),
      );
      expect((await client.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
        { key: "a", value: "2" },
        { key: "b", value: "3" },
      ]);
      await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ["a"] }));
      expect((await client.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([{ key: "b", value: "3" }]);
    }
  });
});
