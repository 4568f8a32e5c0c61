import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";

/* Between the grant of a slot and the launch lie GitHub's limits and the provider's capacity: minutes in which people change things. */

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

describe("a slot that nothing was started with", () => {
  it("is given back when the target is paused meanwhile, and nothing is launched", async () => {
    const away = harness.github.faults.add({
      method: "POST",
      path: /generate-jitconfig/,
      kind: "status",
      status: 503,
      times: 10_000,
    });
    const name = harness.nameOf(harness.queueJob());
    await harness.untilReason(name, "GitHubUnavailable");
    await harness.editTarget({ paused: true });
    await harness.untilReason(name, "TargetPaused");
    away.remove();
    await harness.pass(120_000);
    await harness.untilReason(name, "TargetPaused");
    expect(harness.provider.calls.create).toBe(0);
    await harness.editTarget({ paused: false });
    await harness.startRunner(name);
    expect(harness.provider.calls.create).toBe(1);
  });
});

describe("a target that is given another class while a launch waits for capacity", () => {
  it("launches there, and the request says so", async () => {
    for (const rung of ["spot", "on-demand"]) harness.provider.refuse(rung);
    const name = harness.nameOf(harness.queueJob());
    await harness.untilReason(name, "InsufficientCapacity");
    const old = JSON.parse(await cluster.kubectl(["get", "ecsrc", "fargate", "-n", harness.namespace, "-o", "json"])) as {
      spec: object;
    };
    const other = {
      apiVersion: "getabako.dev/v1alpha1",
      kind: "ECSRunnerClass",
      metadata: { name: "other", namespace: harness.namespace },
    };
    await cluster.kubectl(["apply", "-f", "-"], JSON.stringify({ ...other, spec: old.spec }));
    for (const rung of ["spot", "on-demand"]) harness.provider.accept(rung);
    await harness.editTarget({ classRef: { kind: "ECSRunnerClass", name: "other" } });
    const launched = await harness.until(name, ({ status }) => status?.instance !== undefined, "launched");
    expect(launched.status?.instance).toMatchObject({
      classRef: { name: "other" },
      connection: { fake: `${harness.namespace}/other` },
    });
    expect(harness.github.registrations()).toHaveLength(1);
  });
});
