import { describe, expect, it } from "vitest";
import { cluster, expectOneCleanRun, launched, startScene } from "./scene.ts";

describe("a SIGKILL of the operator", { timeout: 90_000 }, () => {
  it("after the status was written: the runner is simply followed", async () => {
    const at = await startScene({ stateMs: 400 });
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    await at.until("launched", launched);
    await at.kill();
    await at.start();
    await expectOneCleanRun(at);
  });

  it("while the job runs, over its end: nothing is lost, and the end is found out", async () => {
    const at = await startScene();
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 6_000 });
    await at.until("running", (request) => request.status?.phase === "Running");
    await at.kill();
    // The events of its end reach nobody.
    await expect.poll(() => at.github.report().jobs.completed, { timeout: 20_000 }).toBe(1);
    await at.start();
    await expectOneCleanRun(at);
  });

  it("during a deletion, between GitHub and ECS: the next process finishes it", async () => {
    const at = await startScene();
    at.github.holdAssignments();
    at.github.queueJob({ repository: "acme/web", labels: ["self-hosted", "ecs"], durationMs: 50 });
    const request = await at.until("launched", launched);
    await expect.poll(() => at.ecs.liveTasks().some((task) => task.lastStatus === "RUNNING"), { timeout: 10_000 }).toBe(true);
    const fault = at.ecs.faults.add({ kind: "hang" }, { operation: "StopTask" });
    await cluster.kubectl(["delete", "rr", request.metadata.name, "-n", at.namespace, "--wait=false"]);
    await fault.reached;
    await at.kill();
    at.ecs.faults.clear();
    expect(at.github.registrations()).toEqual([]);
    await at.start();
    await expect
      .poll(() => cluster.tryKubectl(["get", "rr", request.metadata.name, "-n", at.namespace]).then(({ stderr }) => stderr), {
        timeout: 25_000,
      })
      .toContain("NotFound");
    expect(at.ecs.report()).toMatchObject({ live: [], doubled: [] });
    expect(at.github.report().leftBehind).toEqual([]);
  });
});
