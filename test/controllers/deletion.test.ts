import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getCondition } from "../../src/kube/conditions.ts";
import { testCluster } from "../support/test-cluster.ts";
import { type Harness, startHarness } from "./harness.ts";
import { busyRunner, idleRunner, stateOf, untilGone } from "./runners.ts";

/* Whatever is deleted first, and whatever its runners do at that moment: nothing stays at GitHub or the provider, nothing hangs. */

const cluster = testCluster();
let harness: Harness;

beforeEach(async () => {
  harness = await startHarness(cluster);
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
});

const kinds: Readonly<Record<string, (request: string) => string>> = {
  request: (request) => `runnerrequest/${request}`,
  target: () => "runnertarget/web",
  class: () => "ecsrunnerclass/fargate",
  app: () => "githubapp/acme",
  secret: () => "secret/github-app",
};

const remove = (...what: readonly string[]): Promise<string> =>
  cluster.kubectl(["delete", ...what, "-n", harness.namespace, "--wait=false"]);

const gone = (...object: readonly string[]): Promise<void> => untilGone(cluster, harness, object, 5_000, { timeout: 25_000 });

describe("deleting everything", () => {
  it.each([
    ["request", "target", "class", "app", "secret"],
    ["secret", "app", "class", "target", "request"],
    ["app", "request", "secret", "target", "class"],
    ["class", "secret", "target", "app", "request"],
  ])("in the order %s, %s, %s, %s, %s leaves nothing behind", async (...order) => {
    const { name } = await idleRunner(harness);
    for (const kind of order) await remove(kinds[kind]?.(name) ?? "");
    await gone("rr", name, "-n", harness.namespace);
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });

  it("with its namespace, while runners start, idle and run, leaves nothing behind and the namespace goes", async () => {
    const { name: idle } = await idleRunner(harness);
    harness.github.holdAssignments(false);
    harness.github.runners.poll(`${idle}-1`);
    await harness.untilReason(idle, "JobInProgress");
    harness.github.holdAssignments();
    const second = harness.nameOf(harness.queueJob());
    await harness.startRunner(second);
    const third = harness.nameOf(harness.queueJob());
    await harness.until(third, (request) => request.status?.instance !== undefined, "launched");

    await cluster.kubectl(["delete", "namespace", harness.namespace, "--wait=false"]);
    // A busy runner goes too, since a person decided so; GitHub calls it busy until it has missed it for a while.
    const busy = harness.provider.launches().findIndex(({ requestName }) => requestName === idle);
    await expect.poll(() => stateOf(harness, harness.provider.all()[busy]?.id ?? ""), { timeout: 15_000 }).not.toBe("Running");
    harness.github.runners.disconnect(`${idle}-1`);
    harness.clock.advance(20 * 60_000);
    harness.github.tick();
    await gone("namespace", harness.namespace);
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
  });
});

describe("a request whose job runs", () => {
  it("goes when its instance has ended, and not a minute later because GitHub called the runner busy", async () => {
    const { name, id } = await busyRunner(harness);
    await remove(`runnerrequest/${name}`);
    await expect.poll(() => stateOf(harness, id)).not.toBe("Running");
    // On SIGTERM a runner cancels its job, tells GitHub and ends.
    harness.github.runners.finish(`${name}-1`, "cancelled");
    harness.provider.exit(id, 143);
    // The next look at the instance, and well within that minute.
    await harness.advance(10_000);
    await expect
      .poll(async () => (await cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace])).stderr)
      .toContain("NotFound");
    expect(harness.provider.live()).toEqual([]);
    expect(harness.github.registrations()).toEqual([]);
    expect(await harness.events(name)).toEqual(["Launched", "JobStarted", "Deleting", "Deleted"]);
  });
});

describe("a request whose finalizer somebody takes away", () => {
  it("is deleted, with its runner left to the sweeps and its slot to the next", async () => {
    await harness.editTarget({ maxRunners: 1 });
    const { name } = await idleRunner(harness);
    const next = harness.nameOf(harness.queueJob());
    await harness.untilReason(next, "TargetAtCapacity");
    await cluster.patch("rr", name, harness.namespace, { metadata: { finalizers: null } });
    await expect
      .poll(async () => (await cluster.tryKubectl(["get", "rr", name, "-n", harness.namespace])).stderr)
      .toContain("NotFound");
    await harness.until(next, (request) => request.status?.instance !== undefined, "launched");
  });
});

describe("a runner that cannot be removed", () => {
  it("says so where people look, keeps its object, and goes once GitHub is back", async () => {
    const { name } = await idleRunner(harness);
    const outage = harness.github.faults.add({ method: "DELETE", times: 10_000, kind: "status", status: 503 });
    await remove(`runnerrequest/${name}`);
    const held = await harness.until(
      name,
      (request) => getCondition(request.status?.conditions, "Registered")?.reason === "CannotDeregister",
      "held",
    );
    expect(getCondition(held.status?.conditions, "Registered")?.message).toContain(`${name}-1 cannot be removed at GitHub yet`);
    await expect.poll(() => harness.events(name)).toContain("CannotDeregister");
    outage.remove();
    await gone("rr", name, "-n", harness.namespace);
    expect(harness.github.registrations()).toEqual([]);
    expect(harness.provider.live()).toEqual([]);
  });
});
