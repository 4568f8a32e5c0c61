import { describe, expect, it } from "vitest";
import { expectOneCleanRun, finished, launched, startScene } from "./scene.ts";

describe("a SIGKILL of the operator", { timeout: 90_000 }, () => {
  it("before the registration is minted: the next process mints and launches", async () => {
    const at = await startScene();
    const fault = at.github.faults.add({ method: "POST", path: /generate-jitconfig/, kind: "hold" });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await fault.struck();
    await at.kill();
    fault.remove();
    await at.start();
    await expectOneCleanRun(at);
  });

  it("after the mint: the stale registration is cleared and minted again", async () => {
    const at = await startScene();
    const fault = at.github.faults.add({ method: "POST", path: /generate-jitconfig/, kind: "hold", when: "after" });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await fault.struck();
    await at.kill();
    fault.remove();
    expect(at.github.registrations()).toHaveLength(1);
    await at.start();
    await expectOneCleanRun(at);
  });

  it("after RunTask was accepted: the task is adopted", async () => {
    const at = await startScene();
    at.github.holdAssignments();
    const fault = at.ecs.faults.add({ kind: "hang", accepted: true });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await fault.reached;
    await at.kill();
    at.ecs.faults.clear();
    await at.start();
    const adopted = await at.until("launched", launched);
    expect(adopted.status?.instance?.providerId).toBe(at.ecs.tasks()[0]?.arn);
    at.github.holdAssignments(false);
    await expectOneCleanRun(at);
  });

  it("after RunTask was accepted, with the job over before anybody listens again: nothing is started for it", async () => {
    const at = await startScene();
    const fault = at.ecs.faults.add({ kind: "hang", accepted: true });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await fault.reached;
    await at.kill();
    await expect.poll(() => at.github.report().jobs.completed, { timeout: 10_000 }).toBe(1);
    at.ecs.faults.clear();
    await at.start();
    await expectOneCleanRun(at);
  });

  it("after RunTask was accepted on the second rung, with the runner forgotten by GitHub and its task still there: no second one", async () => {
    const at = await startScene({ ladder: true, firstStays: true });
    at.github.holdAssignments();
    at.ecs.faults.add({ kind: "failures", failures: [{ reason: "RESOURCE:CPU" }] }, { capacity: "FARGATE_SPOT" });
    const fault = at.ecs.faults.add({ kind: "hang", accepted: true }, { capacity: "FARGATE" });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await fault.reached;
    await at.kill();
    await expect.poll(() => at.github.registrations().map(({ connects }) => connects), { timeout: 10_000 }).toEqual([1]);
    const [runner] = at.github.registrations();
    at.github.reap(runner?.name ?? "");
    at.ecs.faults.clear();
    at.github.holdAssignments(false);
    await at.start();
    const adopted = await at.until("launched", launched);
    expect(at.ecs.tasks().map(({ arn }) => arn)).toEqual([adopted.status?.instance?.providerId]);
    // Nothing comes of it, so its attempt ends, and the next one does the job.
    await at.until("finished", finished);
    expect(at.ecs.tasks()).toHaveLength(2);
    await expect.poll(() => at.ecs.report(), { timeout: 5_000 }).toMatchObject({ live: [], doubled: [] });
    expect(at.github.report()).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [] });
  });

  it("after RunTask was accepted, with the task hidden from lists for a while: still one task", async () => {
    const at = await startScene({ stateMs: 600 });
    at.ecs.hideNewTasks(3);
    const fault = at.ecs.faults.add({ kind: "hang", accepted: true });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await fault.reached;
    await at.kill();
    at.ecs.faults.clear();
    await at.start();
    // The adopted task holds the configuration whose registration was cleared, so its runner ends without a job, and a second attempt follows.
    const done = await at.until("finished", finished);
    expect(done.status?.conditions?.find(({ type }) => type === "Succeeded")).toMatchObject({
      status: "True",
      reason: "JobCompleted",
    });
    // Its runner has ended; ECS may still be taking the task down.
    await expect.poll(() => at.ecs.report(), { timeout: 5_000 }).toMatchObject({ live: [], doubled: [] });
    expect(at.github.report()).toMatchObject({ neverRun: [], ranTwice: [], leftBehind: [] });
  });
});
