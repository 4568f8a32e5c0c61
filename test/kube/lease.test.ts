import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Client } from "../../src/kube/client.ts";
import { LeaseElector, type LeaseElectorOptions } from "../../src/kube/lease.ts";
import { deepFreeze } from "../../src/kube/object.ts";
import { defineResource, type Lease, leases } from "../../src/kube/resource.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { connect, keyIn } from "./widgets.ts";

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
/** Long enough for a machine that is busy with everything else; what has to be lost has times of its own. */
const times = { leaseDurationMs: 10_000, renewDeadlineMs: 6_000, retryPeriodMs: 100 };
const never = new AbortController().signal;

describe("LeaseElector", () => {
  const cluster = testCluster();
  const direct = connect(cluster.kubeconfig, "suite");
  const client = new Client(direct.cluster, leases);
  let namespace: string;

  beforeAll(async () => {
    namespace = await cluster.namespace("lease");
  });

  function newElector(identity: string, name: string, options: Partial<LeaseElectorOptions> = {}) {
    const { log, metrics } = direct;
    const elector = new LeaseElector({ client, key: keyIn(namespace, name), identity, log, metrics, ...times, ...options });
    onTestFinished(() => elector.stop());
    return elector;
  }

  const read = (name: string): Promise<Lease> => client.get(keyIn(namespace, name));
  const newName = (): string => `lease-${randomUUID().slice(0, 8)}`;
  const isPending = (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([promise.then(() => false), new Promise<boolean>((resolve) => setImmediate(resolve, true))]);

  it("makes the Lease and keeps renewing it", async () => {
    const name = newName();
    const elector = newElector("one", name);
    expect(elector.held).toBe(false);
    await elector.acquire(never);
    expect(elector.held).toBe(true);
    const first = await read(name);
    expect(first.spec).toMatchObject({ holderIdentity: "one", leaseDurationSeconds: 10, leaseTransitions: 0 });
    expect(first.spec?.acquireTime).toMatch(microTime);
    await expect.poll(async () => (await read(name)).spec?.renewTime).not.toBe(first.spec?.renewTime);
    expect((await read(name)).spec?.acquireTime).toBe(first.spec?.acquireTime);
    expect(await direct.metric("leader_election_master_status", { name })).toBe(1);
  });

  it("lets one of many lead", async () => {
    const name = newName();
    const electors = ["a", "b", "c", "d"].map((identity) => newElector(identity, name));
    const stop = new AbortController();
    const all = Promise.all(electors.map((elector) => elector.acquire(stop.signal)));
    await expect.poll(() => electors.filter(({ held }) => held).length).toBe(1);
    // Long enough for the others to have tried a dozen times.
    const renewals = new Set<string | undefined>();
    await expect
      .poll(
        async () => {
          expect(electors.filter(({ held }) => held).length).toBe(1);
          return renewals.add((await read(name)).spec?.renewTime).size;
        },
        { interval: 50, timeout: 10_000 },
      )
      .toBeGreaterThanOrEqual(8);
    stop.abort();
    await all;
    expect(electors.filter(({ held }) => held).length).toBe(1);
  });

  it("hands over at once when the holder releases it", async () => {
    const name = newName();
    const first = newElector("first", name, { leaseDurationMs: 60_000 });
    await first.acquire(never);
    const second = newElector("second", name);
    const acquired = second.acquire(never);
    const before = performance.now();
    await first.release();
    await acquired;
    expect(performance.now() - before).toBeLessThan(20_000);
    expect(second.held).toBe(true);
    expect(first.held).toBe(false);
    expect((await read(name)).spec).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
    expect(await isPending(first.lost)).toBe(true);
  });

  it("says that nobody holds what was released", async () => {
    const name = newName();
    const elector = newElector("one", name);
    await elector.acquire(never);
    await elector.release();
    expect((await read(name)).spec).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1, leaseTransitions: 0 });
    expect(await direct.metric("leader_election_master_status", { name })).toBe(0);
  });

  it("waits until a holder that died has been silent for as long as it had promised, by its own clock", async () => {
    const name = newName();
    // A holder whose clock is a day behind: its renewTime says that the Lease ran out long ago.
    const dead = newElector("dead", name, {
      clock: { now: () => Date.now() - 86_400_000 },
      leaseDurationMs: 2_000,
      renewDeadlineMs: 1_200,
    });
    await dead.acquire(never);
    dead.stop();
    const elector = newElector("heir", name);
    const before = performance.now();
    await elector.acquire(never);
    expect(performance.now() - before).toBeGreaterThan(2_000);
    expect((await read(name)).spec).toMatchObject({ holderIdentity: "heir", leaseTransitions: 1 });
  });

  it("does not take a Lease from a holder that renews it, whatever its clock says", async () => {
    const name = newName();
    const holder = newElector("holder", name, {
      clock: { now: () => Date.now() - 86_400_000 },
      leaseDurationMs: 4_000,
      renewDeadlineMs: 3_000,
    });
    await holder.acquire(never);
    const rival = newElector("rival", name);
    const stop = new AbortController();
    const waiting = rival.acquire(stop.signal);
    const from = performance.now();
    await expect.poll(() => performance.now() - from > 5_000).toBe(true);
    expect([holder.held, rival.held]).toEqual([true, false]);
    stop.abort();
    await waiting;
  });

  it("takes its own Lease back at once after a crash", async () => {
    const name = newName();
    const crashed = newElector("same", name, { leaseDurationMs: 60_000 });
    await crashed.acquire(never);
    crashed.stop();
    const { spec } = await read(name);
    const before = performance.now();
    await newElector("same", name).acquire(never);
    expect(performance.now() - before).toBeLessThan(20_000);
    expect((await read(name)).spec).toMatchObject({ acquireTime: spec?.acquireTime, leaseTransitions: 0 });
  });

  it("loses the Lease to somebody who took it", async () => {
    const name = newName();
    const elector = newElector("robbed", name);
    await elector.acquire(never);
    // The thief may lose the race for the version a few times.
    await expect
      .poll(async () => {
        const current = deepFreeze(await read(name));
        const taken = client.patchFields(current, { spec: { ...current.spec, holderIdentity: "thief" } });
        return taken.then(
          () => true,
          () => false,
        );
      })
      .toBe(true);
    expect((await elector.lost).message).toBe(`lost the Lease ${namespace}/${name}: thief holds it`);
    expect(elector.held).toBe(false);
    expect((await read(name)).spec?.holderIdentity).toBe("thief");
    await elector.release();
    expect((await read(name)).spec?.holderIdentity).toBe("thief");
  });

  it("keeps the Lease when somebody else edits or deletes it", async () => {
    const name = newName();
    const elector = newElector("steady", name);
    await elector.acquire(never);
    await cluster.kubectl(["annotate", "lease", name, "-n", namespace, "note=edited"]);
    await cluster.kubectl(["delete", "lease", name, "-n", namespace]);
    await expect.poll(async () => (await read(name).catch(() => undefined))?.spec?.holderIdentity).toBe("steady");
    const { spec } = await read(name);
    await expect.poll(async () => (await read(name)).spec?.renewTime).not.toBe(spec?.renewTime);
    expect(elector.held).toBe(true);
  });

  describe("behind an unreliable network", () => {
    async function proxied(identity: string, name: string, options: Partial<LeaseElectorOptions> = {}) {
      const proxy = await FaultProxy.start(cluster);
      onTestFinished(() => proxy.close());
      const connection = connect(proxy.kubeconfig);
      const elector = newElector(identity, name, {
        client: new Client(connection.cluster, leases),
        log: connection.log,
        ...options,
      });
      return { proxy, elector, captured: connection.captured };
    }

    it("renews the Lease while all connections of the calls are taken", async () => {
      const name = newName();
      const { promise: free, resolve: freeAll } = Promise.withResolvers<void>();
      const proxy = await FaultProxy.start(cluster);
      onTestFinished(() => proxy.close());
      const { cluster: slow, log } = connect(proxy.kubeconfig);
      const elector = newElector("busy", name, { client: new Client(slow, leases), log });
      await elector.acquire(never);
      const held = proxy.inject({ path: /configmaps/ }, { kind: "hold", until: free });
      const configMaps = new Client(
        slow,
        defineResource({ group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true }),
      );
      const burst = Array.from({ length: 100 }, () => configMaps.list({ namespace, timeoutMs: 60_000 }));
      await expect.poll(() => held.hits).toBe(64);
      const before = (await read(name)).spec?.renewTime;
      await expect.poll(async () => (await read(name)).spec?.renewTime).not.toBe(before);
      expect(held.hits).toBe(64);
      freeAll();
      await Promise.all(burst);
    });

    it("keeps the Lease through failures that are shorter than its deadline", async () => {
      const name = newName();
      const { proxy, elector } = await proxied("patient", name);
      await elector.acquire(never);
      const injection = proxy.inject({ method: "PATCH" }, { kind: "status", code: 500 }, { times: 3 });
      await expect.poll(() => injection.hits).toBe(3);
      const { spec } = await read(name);
      await expect.poll(async () => (await read(name)).spec?.renewTime).not.toBe(spec?.renewTime);
      expect(elector.held).toBe(true);
      expect(await isPending(elector.lost)).toBe(true);
    });

    it.each(["refused connections", "requests that hang", "403 answers"])(
      "loses the Lease at its deadline over %s",
      async (what) => {
        const name = newName();
        const { proxy, elector } = await proxied("cut off", name, { leaseDurationMs: 6_000, renewDeadlineMs: 2_000 });
        await elector.acquire(never);
        // The deadline counts from the last renewal, not from the first.
        const { spec } = await read(name);
        await expect.poll(async () => (await read(name)).spec?.renewTime).not.toBe(spec?.renewTime);
        const gate = Promise.withResolvers<void>();
        const before = performance.now();
        if (what === "refused connections") await proxy.refuse();
        else if (what === "requests that hang") proxy.inject({}, { kind: "hold", until: gate.promise });
        else proxy.inject({}, { kind: "status", code: 403 });
        expect((await elector.lost).message).toContain("could not be renewed in time");
        const tookMs = performance.now() - before;
        expect(tookMs).toBeGreaterThan(800);
        // Before anybody else may take it: the Lease runs for 6 s.
        expect(tookMs).toBeLessThan(5_000);
        expect(elector.held).toBe(false);
        gate.resolve();
      },
    );

    it("keeps and releases the Lease although the answers to its renewals are lost", async () => {
      const name = newName();
      const { proxy, elector } = await proxied("deaf", name);
      await elector.acquire(never);
      const injection = proxy.inject({ method: "PATCH" }, { kind: "dropAfter" }, { times: 2 });
      await expect.poll(() => injection.hits).toBe(2);
      await expect
        .poll(() => proxy.requests({ method: "PATCH" }).filter(({ status }) => status === 200).length)
        .toBeGreaterThan(0);
      expect(elector.held).toBe(true);
      const lost = proxy.inject({ method: "PATCH" }, { kind: "dropAfter" }, { times: 1 });
      await expect.poll(() => lost.hits, { interval: 5 }).toBe(1);
      await elector.release();
      expect((await read(name)).spec).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
    });

    it("keeps trying to acquire through an outage", async () => {
      const name = newName();
      const { proxy, elector, captured } = await proxied("late", name);
      await proxy.refuse();
      const acquired = elector.acquire(never);
      await expect.poll(() => captured.lines("cannot take the lease").length).toBeGreaterThan(0);
      expect(await isPending(acquired)).toBe(true);
      await proxy.accept();
      await acquired;
      expect(elector.held).toBe(true);
    });
  });

  it("refuses times with which two could lead", () => {
    expect(() => newElector("x", "y", { leaseDurationMs: 1_000, renewDeadlineMs: 1_000 })).toThrow(RangeError);
  });
});
