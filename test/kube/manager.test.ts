import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Client } from "../../src/kube/client.ts";
import { LeaseElector } from "../../src/kube/lease.ts";
import { Manager } from "../../src/kube/manager.ts";
import { type Lease, leases } from "../../src/kube/resource.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { connect, keyIn } from "./widgets.ts";

describe("Manager with a Lease", () => {
  const cluster = testCluster();
  const direct = connect(cluster.kubeconfig, "suite");
  const client = new Client(direct.cluster, leases);
  let namespace: string;

  beforeAll(async () => {
    namespace = await cluster.namespace("manager");
  });

  interface ReplicaOptions {
    readonly windUp?: Promise<void>;
    readonly leaseDurationMs?: number;
    readonly renewDeadlineMs?: number;
    readonly drainMs?: number;
  }

  /** A manager behind a proxy, with one part that always runs and one that only the leader runs. */
  async function replica(identity: string, lease: string, options: ReplicaOptions = {}) {
    const proxy = await FaultProxy.start(cluster);
    onTestFinished(() => proxy.close());
    const { cluster: proxied, log, metrics } = connect(proxy.kubeconfig);
    const elector = new LeaseElector({
      client: new Client(proxied, leases),
      key: keyIn(namespace, lease),
      identity,
      log,
      metrics,
      leaseDurationMs: options.leaseDurationMs ?? 30_000,
      renewDeadlineMs: options.renewDeadlineMs ?? 6_000,
      retryPeriodMs: 100,
    });
    const manager = new Manager({ log, elector, drainMs: options.drainMs ?? 5_000 });
    const running = new Set<string>();
    const abandoned = new Set<string>();
    for (const stage of ["always", "leader"] as const) {
      const run = async (signal: AbortSignal): Promise<void> => {
        running.add(stage);
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        if (stage === "leader") await options.windUp;
        running.delete(stage);
      };
      manager.add({ name: stage, run, abandon: () => void abandoned.add(stage) }, { stage });
    }
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    run.catch(() => undefined);
    onTestFinished(async () => {
      stop.abort();
      await run.catch(() => undefined);
    });
    return { manager, proxy, running, abandoned, stop, run };
  }

  const holder = async (lease: string): Promise<string | undefined> => (await read(lease)).spec?.holderIdentity;
  const read = (lease: string): Promise<Lease> => client.get(keyIn(namespace, lease));
  const newName = (): string => `lease-${randomUUID().slice(0, 8)}`;

  it("runs the leader's part in one replica, is ready in both, and hands over on a clean stop", async () => {
    const lease = newName();
    const first = await replica("first", lease);
    await expect.poll(() => [...first.running]).toEqual(["always", "leader"]);
    const second = await replica("second", lease);
    await expect.poll(() => [...second.running]).toEqual(["always"]);
    expect([first.manager.ready, second.manager.ready]).toEqual([true, true]);
    const before = performance.now();
    first.stop.abort();
    await first.run;
    expect(first.running.size).toBe(0);
    await expect.poll(() => [...second.running]).toEqual(["always", "leader"]);
    // Sooner than the Lease would have run out.
    expect(performance.now() - before).toBeLessThan(15_000);
    expect(await holder(lease)).toBe("second");
  });

  it("holds the Lease until the leader's work has wound up", async () => {
    const lease = newName();
    const work = Promise.withResolvers<void>();
    const only = await replica("only", lease, { windUp: work.promise, drainMs: 60_000 });
    await expect.poll(() => only.running.has("leader")).toBe(true);
    only.stop.abort();
    await expect.poll(() => only.manager.ready).toBe(false);
    const { spec } = await read(lease);
    // Renewed while it drains, or a slow drain would have two leaders at work.
    await expect.poll(async () => (await read(lease)).spec?.renewTime).not.toBe(spec?.renewTime);
    expect(await holder(lease)).toBe("only");
    work.resolve();
    await only.run;
    expect(await holder(lease)).toBe("");
  });

  it("leaves the Lease to run out when the leader's work does not end: a successor would begin beside it", async () => {
    const lease = newName();
    const work = Promise.withResolvers<void>();
    const slow = await replica("slow", lease, { windUp: work.promise, drainMs: 100 });
    await expect.poll(() => slow.running.has("leader")).toBe(true);
    slow.stop.abort();
    await slow.run;
    expect([...slow.running]).toEqual(["leader"]);
    expect(await holder(lease)).toBe("slow");
    work.resolve();
  });

  it("rejects when the Lease is lost while the leader's work winds up", async () => {
    const lease = newName();
    const work = Promise.withResolvers<void>();
    const times = { leaseDurationMs: 2_000, renewDeadlineMs: 1_200, drainMs: 60_000 };
    const cutOff = await replica("cut off", lease, { windUp: work.promise, ...times });
    await expect.poll(() => cutOff.running.has("leader")).toBe(true);
    cutOff.stop.abort();
    await cutOff.proxy.refuse();
    await expect(cutOff.run).rejects.toThrow(/lost the Lease/);
    expect([...cutOff.abandoned]).toEqual(["always", "leader"]);
    work.resolve();
  });

  it("rejects when the Lease is lost, and leaves it to run out", async () => {
    const lease = newName();
    const cutOff = await replica("cut off", lease, { leaseDurationMs: 2_000, renewDeadlineMs: 1_200 });
    await expect.poll(() => cutOff.running.has("leader")).toBe(true);
    await cutOff.proxy.refuse();
    await expect(cutOff.run).rejects.toThrow(/lost the Lease .*could not be renewed in time/);
    expect(cutOff.running.size).toBe(0);
    // What is in hand does not go on beside the next leader.
    expect([...cutOff.abandoned]).toEqual(["always", "leader"]);
    expect(cutOff.manager.ready).toBe(false);
    expect(await holder(lease)).toBe("cut off");
    const heir = await replica("heir", lease);
    await expect.poll(() => heir.running.has("leader")).toBe(true);
  });

  it("stops at once while it waits for the Lease", async () => {
    const lease = newName();
    const first = await replica("first", lease);
    await expect.poll(() => first.running.has("leader")).toBe(true);
    const second = await replica("second", lease);
    await expect.poll(() => second.manager.ready).toBe(true);
    second.stop.abort();
    await second.run;
    expect(await holder(lease)).toBe("first");
  });
});
