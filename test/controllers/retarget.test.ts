import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import type { RunnerRequest } from "../../src/api/v1alpha1/runner-request.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { idleRunner, isClean, untilRequestGone } from "./runners.ts";

/* A request names its target for ever; the target may be renamed, deleted or given other labels while the request waits. */

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster, { target: { paused: true } });
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const admitted = (request: RunnerRequest): unknown => {
  const { status, reason } = getCondition(request.status?.conditions, "Admitted") ?? {};
  return `${status} ${reason}`;
};

describe("a request whose target goes", () => {
  it("waits for it to come back, and then gives its name free for the target that covers the job now", async () => {
    const job = harness.queueJob();
    const name = harness.nameOf(job);
    await harness.untilReason(name, "TargetPaused");
    const target = JSON.parse(await cluster.kubectl(["get", "rt", "web", "-n", harness.namespace, "-o", "json"])) as {
      spec: Record<string, unknown>;
    };
    await harness.deleteTarget();
    await harness.until(name, (request) => admitted(request) === "False TargetNotFound", "without a target");
    await harness.pass(4 * 60_000);
    expect(getCondition((await harness.get(name)).status?.conditions, "Succeeded")?.status).toBe("Unknown");

    const renamed = {
      ...target,
      metadata: { name: "web2", namespace: harness.namespace },
      spec: { ...target.spec, paused: false },
    };
    await cluster.kubectl(
      ["apply", "-f", "-"],
      JSON.stringify({ apiVersion: "getabako.dev/v1alpha1", kind: "RunnerTarget", ...renamed }),
    );
    await untilRequestGone(cluster, harness, name, 30_000, { interval: 300 });
    const [delivery] = harness.github.webhooks.log.list(harness.github.app);
    if (delivery === undefined) throw new Error("nothing was delivered");
    await expect
      .poll(async () => {
        harness.github.webhooks.redeliver(delivery);
        return (await cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace, "-o", "jsonpath={.spec.targetRef.name}"]))
          .stdout;
      })
      .toBe("web2");
    expect((await harness.startRunner(name)).length).toBeGreaterThan(0);
    expect((await harness.get(name)).spec.targetRef.name).toBe("web2");
  });

  it("goes on when it comes back in time", async () => {
    const name = harness.nameOf(harness.queueJob());
    await harness.untilReason(name, "TargetPaused");
    await harness.editTarget({ labels: ["self-hosted", "linux"], paused: false });
    const stuck = await harness.until(name, (request) => admitted(request) === "False LabelsChanged", "not covered");
    expect(getCondition(stuck.status?.conditions, "Admitted")?.message).toContain("has no label ecs any more");
    const other = harness.nameOf(harness.queueJob({ labels: ["self-hosted", "linux"] }));
    await harness.startRunner(other);
    expect(harness.provider.calls.create).toBe(1);
    await harness.editTarget({ labels: ["self-hosted", "linux", "ecs"] });
    const id = await harness.startRunner(name);
    await harness.untilReason(name, "JobInProgress");
    harness.github.runners.finish(`${name}-1`);
    harness.provider.exit(id, 0);
    await harness.until(name, isClean, "clean");
  });

  it("is no reason for a replacement, nor in the way of the target that covers the job now, when its runner was taken before", async () => {
    await harness[Symbol.asyncDispose]();
    // The accounting's grace passes on the clock of the wall.
    harness = await startHarness(cluster, { timeDivisor: 20 });
    const { name, id, jobId } = await idleRunner(harness);
    await harness.editTarget({ labels: ["self-hosted", "linux"] });
    // GitHub gives the runner to a job that nobody here heard of.
    harness.github.webhooks.addFault({ kind: "drop", action: "queued", times: 1 });
    harness.queueJob();
    harness.github.job(jobId).notBefore = Number.POSITIVE_INFINITY;
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${name}-1`);
    await harness.untilReason(name, "JobInProgress");
    harness.github.runners.finish(`${name}-1`);
    harness.provider.exit(id, 0);
    await harness.until(name, isClean, "clean");
    await untilRequestGone(cluster, harness, name, 1_000, { timeout: 30_000 });
    expect((await cluster.kubectl(["get", "rr", "-n", harness.namespace, "-o", "name"])).trim()).toBe("");
  });
});
