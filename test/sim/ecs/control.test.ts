import { describe, expect, it } from "vitest";
import { makeBench, runInput } from "./testing.ts";
import { RunTaskCommand } from "@aws-sdk/client-ecs";
import type { EcsSim } from "./sim.ts";

async function call(sim: EcsSim, method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${sim.url}/_sim${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

describe("the control surface", () => {
  it("lists itself, and again when something is wrong", async () => {
    const { sim } = await makeBench();
    expect((await call(sim, "GET", "")).body).toHaveProperty("GET /_sim/report");
    expect(await call(sim, "GET", "/nothing")).toMatchObject({ status: 404 });
    expect(await call(sim, "POST", "/nothing", {})).toMatchObject({
      status: 400,
      body: { error: "there is no POST /_sim/nothing" },
    });
    expect(await call(sim, "POST", "/hide", { reads: "2" })).toMatchObject({
      status: 400,
      body: { error: "reads must be a number" },
    });
  });

  it("shows tasks, calls, violations and the report, without secrets", async () => {
    const { sim, client, definition } = await makeBench();
    const environment = [{ name: "JIT", value: "planted-secret" }];
    await client.send(
      new RunTaskCommand({ ...runInput(definition), overrides: { containerOverrides: [{ name: "runner", environment }] } }),
    );
    const answers = await Promise.all(["/tasks", "/calls", "/violations", "/report"].map((path) => call(sim, "GET", path)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers[0]?.body).toMatchObject([{ lastStatus: "PROVISIONING" }]);
    expect(JSON.stringify(answers)).not.toContain("planted-secret");
  });

  it("queues faults and ends them", async () => {
    const { sim, run } = await makeBench();
    await call(sim, "POST", "/faults", {
      outcome: { kind: "failures", failures: [{ reason: "AGENT" }] },
      capacity: "FARGATE",
      times: 2,
    });
    expect((await run()).failures).toEqual([{ reason: "AGENT" }]);
    await call(sim, "DELETE", "/faults");
    expect((await run()).failures).toEqual([]);
    expect(await call(sim, "POST", "/faults", { outcome: { kind: "explode" } })).toMatchObject({ status: 400 });
  });

  it("scripts capacity", async () => {
    const { sim, run } = await makeBench();
    await call(sim, "POST", "/capacity/FARGATE", { action: "refuse", reason: "RESOURCE:CPU" });
    expect((await run()).failures).toEqual([{ reason: "RESOURCE:CPU" }]);
    await call(sim, "POST", "/capacity/FARGATE", { action: "release" });
    await call(sim, "POST", "/capacity/FARGATE", { action: "limit", maxLive: 1 });
    expect((await run({ count: 2 })).tasks).toHaveLength(1);
    expect(await call(sim, "POST", "/capacity/FARGATE", { action: "double" })).toMatchObject({ status: 400 });
  });

  it("moves, ends, interrupts and forgets tasks", async () => {
    const { sim, launch } = await makeBench();
    const [one, two, three] = [await launch(), await launch(), await launch()];
    const act = (arn: string, body: object) => call(sim, "POST", `/tasks/${arn.slice(-32)}`, body);
    for (const arn of [one, two]) {
      await act(arn, { action: "move", status: "RUNNING" });
    }
    await act(one, { action: "exit", exitCode: 3 });
    await act(two, { action: "interrupt", stopCode: "TerminationNotice" });
    await act(three, { action: "fail", reason: "CannotPullContainerError: x" });
    expect([one, two, three].map((arn) => sim.task(arn).stopCode)).toEqual([
      "EssentialContainerExited",
      "TerminationNotice",
      "TaskFailedToStart",
    ]);
    await act(one, { action: "expire" });
    expect(sim.tasks()).toHaveLength(2);
    expect(await act("f".repeat(32), { action: "stop" })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("no task") },
    });
    expect(await act(two, { action: "move", status: "FLYING" })).toMatchObject({ status: 400 });
  });

  it("hides tasks, moves time, turns throttles on and resets", async () => {
    const { sim, launch } = await makeBench();
    await call(sim, "POST", "/hide", { reads: 1 });
    const arn = await launch();
    expect(sim.task(arn).hiddenReads).toBe(1);
    sim.moveTo(arn, "STOPPED");
    await call(sim, "POST", "/clock", { advanceMs: 3_600_000 });
    expect(sim.tasks()).toEqual([]);
    await call(sim, "POST", "/throttle", { enabled: true });
    expect(sim.throttle.enabled).toBe(true);
    expect(await call(sim, "POST", "/reset")).toEqual({ status: 200, body: { ok: true } });
    expect(sim.report().launched).toBe(0);
  });
});
