import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Controller, type Reconcile } from "../../src/kube/controller.ts";
import { Informer } from "../../src/kube/informer.ts";
import { type DeepReadonly, deepFreeze, keyOf } from "../../src/kube/object.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { connect, installWidgets, keyIn, runInBackground, type Widget, widget } from "./widgets.ts";

describe("Controller on a real API server", () => {
  const cluster = testCluster();
  const { widgets } = connect(cluster.kubeconfig, "suite");

  beforeAll(async () => {
    await installWidgets(cluster);
  });

  type SetUp = ReturnType<typeof connect> & { proxy: FaultProxy; namespace: string; informer: Informer<Widget> };

  /** A controller that is woken by each change of a Widget, behind a proxy. */
  async function start(reconcileWith: (set: SetUp) => Reconcile, options: { concurrency?: number } = {}) {
    const namespace = await cluster.namespace("controller");
    const proxy = await FaultProxy.start(cluster);
    onTestFinished(() => proxy.close());
    const connection = connect(proxy.kubeconfig);
    const { log, metrics } = connection;
    const informer = new Informer<Widget>({ client: connection.widgets, log, metrics, namespace });
    const set = { ...connection, proxy, namespace, informer };
    const controller = new Controller({
      name: "widget",
      reconcile: reconcileWith(set),
      log,
      metrics,
      sources: [informer],
      ...options,
    });
    informer.onChange((change) => controller.enqueue(keyOf(change.type === "delete" ? change.old : change.new)));
    runInBackground(informer);
    runInBackground(controller);
    return { ...set, controller };
  }

  /** Counts passes in status, as often as the size in spec says. */
  const countUp =
    ({ informer, widgets: client }: SetUp): Reconcile =>
    async (key, { signal }) => {
      const current = informer.store.get(key);
      if (current === undefined) return;
      const count = current.status?.count ?? 0;
      if (count >= (current.spec?.size ?? 1)) return;
      informer.observe(await client.patchStatus(current, { ...current.status, count: count + 1 }, { signal }));
    };

  it("brings every object to where its spec wants it", async () => {
    const { namespace } = await start(countUp, { concurrency: 3 });
    const names = Array.from({ length: 20 }, (_, index) => `w${index}`);
    await Promise.all(names.map((name, index) => widgets.create(widget(namespace, name, { spec: { size: index % 4 } }))));
    const counts = async () =>
      (await widgets.list({ namespace })).items.map(({ spec, status }) => (status?.count ?? 0) === spec?.size);
    await expect.poll(async () => (await counts()).every(Boolean), { timeout: 10_000 }).toBe(true);
  });

  it("sees its own write in the pass that this write causes, and so needs no conflict to get on", async () => {
    const { namespace, metric, proxy } = await start(countUp);
    await widgets.create(widget(namespace, "a", { spec: { size: 10 } }));
    await expect.poll(async () => (await widgets.get(keyIn(namespace, "a"))).status?.count).toBe(10);
    expect(proxy.requests({ method: "PATCH" })).toHaveLength(10);
    expect(await metric("controller_runtime_reconcile_total", { result: "requeue" })).toBe(0);
  });

  it("looks again when somebody else wrote first, quietly, and keeps what that one wrote", async () => {
    const rivalWrites = Promise.withResolvers<void>();
    const { namespace, metric, captured } = await start(({ informer, widgets: client }) => async (key, { signal }) => {
      const current = informer.store.get(key) as DeepReadonly<Widget> | undefined;
      if (current === undefined || current.status?.phase === "Done") return;
      // The world moves on between the look and the write.
      if (current.metadata.labels?.["rival"] === undefined) {
        await widgets.patchMetadata(await widgets.get(key).then(deepFreeze), { labels: { rival: "was-here" } });
        rivalWrites.resolve();
        await client.patchStatus(current, { phase: "Done" }, { signal });
        return;
      }
      await client.patchStatus(current, { phase: "Done" }, { signal });
    });
    await widgets.create(widget(namespace, "a"));
    await rivalWrites.promise;
    await expect.poll(async () => (await widgets.get(keyIn(namespace, "a"))).status?.phase).toBe("Done");
    expect((await widgets.get(keyIn(namespace, "a"))).metadata.labels).toEqual({ rival: "was-here" });
    expect(await metric("controller_runtime_reconcile_total", { result: "requeue" })).toBeGreaterThanOrEqual(1);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBe(0);
    expect(captured.text).not.toMatch(/"level":"error"/);
  });

  it("gets there although writes fail, and although their answers are lost", async () => {
    const { namespace, proxy, metric } = await start(countUp);
    proxy.inject({ method: "PATCH" }, { kind: "status", code: 500 }, { times: 2 });
    proxy.inject({ method: "PATCH" }, { kind: "dropAfter" }, { times: 2 });
    await widgets.create(widget(namespace, "a", { spec: { size: 5 } }));
    await expect.poll(async () => (await widgets.get(keyIn(namespace, "a"))).status?.count, { timeout: 10_000 }).toBe(5);
    expect(await metric("controller_runtime_reconcile_errors_total")).toBeGreaterThanOrEqual(4);
    expect(await metric("controller_runtime_reconcile_panics_total")).toBe(0);
  });

  it("follows objects through an outage of the API server", async () => {
    const { namespace, proxy } = await start(countUp);
    await widgets.create(widget(namespace, "before", { spec: { size: 1 } }));
    await expect.poll(async () => (await widgets.get(keyIn(namespace, "before"))).status?.count).toBe(1);
    await proxy.refuse();
    await widgets.create(widget(namespace, "during", { spec: { size: 3 } }));
    await proxy.accept();
    await expect.poll(async () => (await widgets.get(keyIn(namespace, "during"))).status?.count, { timeout: 10_000 }).toBe(3);
  });
});
