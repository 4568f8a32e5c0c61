import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Informer, type InformerOptions } from "../../src/kube/informer.ts";
import { type DeepReadonly, deepFreeze, keyOf } from "../../src/kube/object.ts";
import type { Change } from "../../src/kube/store.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { connect, installWidgets, keyIn, runInBackground, type Widget, widget } from "./widgets.ts";

const listsOf = { method: "GET", watch: false, path: /widgets/ } as const;
const watchesOf = { watch: true, path: /widgets/ } as const;

describe("Informer", () => {
  const cluster = testCluster();
  // Writes go past the proxy, whatever it does to the informer.
  const { widgets } = connect(cluster.kubeconfig, "suite");
  let namespace: string;

  beforeAll(async () => {
    await installWidgets(cluster);
  });

  /** An informer of a namespace of its own, behind a proxy of its own; not running yet. */
  async function setUp(options: Partial<InformerOptions<Widget>> = {}) {
    namespace = await cluster.namespace("informer");
    const proxy = await FaultProxy.start(cluster);
    onTestFinished(() => proxy.close());
    const connection = connect(proxy.kubeconfig);
    const { log, metrics } = connection;
    const informer = new Informer<Widget>({ client: connection.widgets, log, metrics, namespace, ...options });
    const changes: string[] = [];
    informer.onChange((change) => changes.push(text(change)));
    return { ...connection, proxy, informer, changes, namespace };
  }

  const text = (change: Change<DeepReadonly<Widget>>): string =>
    `${change.type} ${keyOf(change.type === "delete" ? change.old : change.new).name}`;
  const namesIn = (informer: Informer<Widget>): string[] =>
    [...informer.store.list()].map(({ metadata }) => metadata.name).toSorted();
  const restarts = (set: Awaited<ReturnType<typeof setUp>>, cause: string): Promise<number | undefined> =>
    set.metric("kube_watch_restarts_total", { kind: "Widget", cause });

  it("brings what is there, then what changes, with the object before and after", async () => {
    const { informer, namespace } = await setUp();
    const first = await widgets.create(widget(namespace, "a", { spec: { size: 1 } }));
    const seen: Change<DeepReadonly<Widget>>[] = [];
    informer.onChange((change) => seen.push(change));
    expect(informer.hasSynced).toBe(false);
    runInBackground(informer);
    await informer.synced;
    expect(informer.hasSynced).toBe(true);
    expect(informer.store.get(keyIn(namespace, "a"))?.metadata.uid).toBe(first.metadata.uid);
    await widgets.patchFields(deepFreeze(first), { spec: { size: 2 } });
    await widgets.delete(keyIn(namespace, "a"));
    await expect.poll(() => seen.length).toBe(3);
    expect(seen).toMatchObject([
      { type: "add", new: { spec: { size: 1 } } },
      { type: "update", old: { spec: { size: 1 } }, new: { spec: { size: 2 } } },
      { type: "delete", old: { spec: { size: 2 } } },
    ]);
    expect(informer.store.size).toBe(0);
  });

  it("covers several namespaces, and no other, as if they were one", async () => {
    const [one, two, other] = [
      await cluster.namespace("informer"),
      await cluster.namespace("informer"),
      await cluster.namespace("informer"),
    ];
    const { informer, changes } = await setUp({ namespace: [one, two, one] });
    for (const each of [one, two, other]) await widgets.create(widget(each, "a"));
    runInBackground(informer);
    await informer.synced;
    expect(namesIn(informer)).toEqual(["a", "a"]);
    expect(informer.store.get(keyIn(other, "a"))).toBeUndefined();
    await widgets.create(widget(other, "b"));
    // A write of ours shows before its watch event, and the event is then a repetition.
    const written = await widgets.create(widget(two, "c"));
    informer.observe(written);
    expect(informer.store.get(keyIn(two, "c"))?.metadata.uid).toBe(written.metadata.uid);
    await widgets.delete(keyIn(one, "a"));
    await expect.poll(() => changes.toSorted()).toEqual(["add a", "add a", "add c", "delete a"]);
    expect(informer.store.size).toBe(2);
  });

  const listsIn = (namespace: string) => ({ ...listsOf, path: new RegExp(`namespaces/${namespace}/widgets`) });

  it("is not synced while one of its namespaces was not listed", async () => {
    const [one, two] = [await cluster.namespace("informer"), await cluster.namespace("informer")];
    const { informer, proxy } = await setUp({ namespace: [one, two] });
    const failing = proxy.inject(listsIn(two), { kind: "status", code: 500 });
    await widgets.create(widget(one, "a"));
    runInBackground(informer);
    await expect.poll(() => informer.store.size).toBe(1);
    expect(informer.hasSynced).toBe(false);
    failing.remove();
    await informer.synced;
    expect(informer.hasSynced).toBe(true);
  });

  it("goes on without a namespace that stays forbidden, until it may be listed", async () => {
    const [one, two] = [await cluster.namespace("informer"), await cluster.namespace("informer")];
    const { informer, proxy } = await setUp({ namespace: [one, two], leaveOutAfterMs: 300 });
    const refused = proxy.inject(listsIn(two), { kind: "status", code: 403 });
    await widgets.create(widget(one, "a"));
    await widgets.create(widget(two, "b"));
    runInBackground(informer);
    await informer.synced;
    expect(informer.hasSynced).toBe(true);
    expect(namesIn(informer)).toEqual(["a"]);
    refused.remove();
    await expect.poll(() => namesIn(informer)).toEqual(["a", "b"]);
  });

  it("never takes a process without any right for one that has seen everything", async () => {
    const [one, two] = [await cluster.namespace("informer"), await cluster.namespace("informer")];
    const failures: unknown[] = [];
    const onFailure = (error: unknown): number => failures.push(error) && 10;
    const { informer, proxy } = await setUp({ namespace: [one, two], leaveOutAfterMs: 20, onFailure });
    proxy.inject(listsOf, { kind: "status", code: 403 });
    runInBackground(informer);
    await expect.poll(() => failures.length).toBeGreaterThan(10);
    expect(informer.hasSynced).toBe(false);
  });

  it("keeps nothing that may be changed, and not what nobody reads", async () => {
    const { informer, namespace } = await setUp();
    await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(widget(namespace, "a", { spec: { size: 1 } })));
    expect(await cluster.kubectl(["get", "widget", "a", "-n", namespace, "-o", "yaml", "--show-managed-fields"])).toMatch(
      /managedFields[^]*last-applied|last-applied[^]*managedFields/,
    );
    runInBackground(informer);
    await informer.synced;
    const stored = informer.store.get(keyIn(namespace, "a")) as Widget;
    expect(JSON.stringify(stored)).not.toMatch(/managedFields|last-applied/);
    expect(() => Object.assign(stored.spec ?? {}, { size: 2 })).toThrow(TypeError);
    expect(() => Object.assign(stored.metadata, { name: "b" })).toThrow(TypeError);
  });

  it("reads a long list in pages of 500", async () => {
    const set = await setUp();
    const names = Array.from({ length: 502 }, (_, index) => `w${index}`);
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => widgets.create(widget(set.namespace, name))));
    }
    runInBackground(set.informer);
    await set.informer.synced;
    expect(set.informer.store.size).toBe(502);
    expect(set.changes.length).toBe(502);
    const lists = set.proxy.requests(listsOf).map(({ path }) => new URL(path, "http://x").searchParams);
    expect(lists.map((query) => [query.get("limit"), query.has("continue")])).toEqual([
      ["500", false],
      ["500", true],
    ]);
  });

  it("reads the whole list when its pages expire on the way", async () => {
    const set = await setUp();
    await Promise.all(Array.from({ length: 501 }, (_, index) => widgets.create(widget(set.namespace, `w${index}`))));
    set.proxy.inject({ path: /continue=/ }, { kind: "status", code: 410 });
    runInBackground(set.informer);
    await set.informer.synced;
    expect(set.informer.store.size).toBe(501);
  });

  it("finds objects by index while they change", async () => {
    const { informer, namespace } = await setUp({
      indexes: { color: (object) => (object.spec?.color === undefined ? [] : [object.spec.color]) },
    });
    runInBackground(informer);
    await informer.synced;
    const a = await widgets.create(widget(namespace, "a", { spec: { color: "red" } }));
    await widgets.create(widget(namespace, "b", { spec: { color: "red" } }));
    await expect.poll(() => informer.store.countByIndex("color", "red")).toBe(2);
    await widgets.patchFields(deepFreeze(a), { spec: { color: "blue" } });
    await expect.poll(() => [...informer.store.byIndex("color", "blue")].map(({ metadata }) => metadata.name)).toEqual(["a"]);
    expect(informer.store.countByIndex("color", "red")).toBe(1);
    await widgets.delete(keyIn(namespace, "a"));
    await expect.poll(() => informer.store.countByIndex("color", "blue")).toBe(0);
  });

  it("tells a handler that comes late what is there, and one that left nothing", async () => {
    const { informer, namespace } = await setUp();
    await widgets.create(widget(namespace, "a"));
    runInBackground(informer);
    await informer.synced;
    const late: string[] = [];
    const leave = informer.onChange((change) => late.push(text(change)));
    expect(late).toEqual(["add a"]);
    leave();
    await widgets.create(widget(namespace, "b"));
    await expect.poll(() => namesIn(informer)).toEqual(["a", "b"]);
    expect(late).toEqual(["add a"]);
  });

  it("survives a handler that throws, and tells the others", async () => {
    const set = await setUp();
    set.informer.onChange(() => {
      throw new Error("handler bug");
    });
    const after: string[] = [];
    set.informer.onChange((change) => after.push(text(change)));
    runInBackground(set.informer);
    await set.informer.synced;
    await widgets.create(widget(set.namespace, "a"));
    await expect.poll(() => after).toEqual(["add a"]);
    await widgets.delete(keyIn(set.namespace, "a"));
    await expect.poll(() => after).toEqual(["add a", "delete a"]);
    expect(set.captured.lines("informer handler failed")).toHaveLength(2);
  });

  it("lists again after its watch was cut, and tells what happened meanwhile once", async () => {
    const set = await setUp();
    await Promise.all(["gone", "changed", "same"].map((name) => widgets.create(widget(set.namespace, name))));
    runInBackground(set.informer);
    await set.informer.synced;
    await expect.poll(() => set.proxy.openWatches).toBe(1);
    await set.proxy.refuse();
    await expect.poll(() => restarts(set, "list")).toBeGreaterThanOrEqual(1);
    await widgets.delete(keyIn(set.namespace, "gone"));
    await widgets.patchFields(deepFreeze(await widgets.get(keyIn(set.namespace, "changed"))), { spec: { size: 5 } });
    await widgets.create(widget(set.namespace, "added"));
    set.changes.length = 0;
    await set.proxy.accept();
    await expect.poll(() => namesIn(set.informer)).toEqual(["added", "changed", "same"]);
    expect(set.changes.toSorted()).toEqual(["add added", "delete gone", "update changed"]);
    expect(await restarts(set, "error")).toBe(1);
  });

  it("lists again at once when its version has expired", async () => {
    const set = await setUp();
    set.proxy.inject(watchesOf, { kind: "watchExpired" }, { times: 1 });
    runInBackground(set.informer);
    await set.informer.synced;
    await expect.poll(() => set.proxy.openWatches).toBe(1);
    expect(set.proxy.requests(listsOf)).toHaveLength(2);
    expect(await restarts(set, "expired")).toBe(1);
    expect(set.captured.lines("list or watch failed")).toEqual([]);
    await widgets.create(widget(set.namespace, "a"));
    await expect.poll(() => set.changes).toEqual(["add a"]);
  });

  it("keeps trying, ever more slowly, while lists fail, and syncs when they stop failing", async () => {
    const set = await setUp();
    const times: number[] = [];
    const failing = set.proxy.inject(listsOf, { kind: "status", code: 500 });
    const onFailure = (): undefined => void times.push(performance.now());
    const informer = new Informer<Widget>({
      client: set.widgets,
      log: set.log,
      metrics: set.metrics,
      namespace: set.namespace,
      onFailure,
    });
    runInBackground(informer);
    await expect.poll(() => times.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    const gaps = times.slice(1, 4).map((time, index) => time - (times[index] ?? 0));
    // Steps of 200, 400 and 800 ms, of which jitter takes up to half.
    expect(gaps.map((gap, index) => gap >= 100 * 2 ** index - 5)).toEqual([true, true, true]);
    expect(informer.hasSynced).toBe(false);
    failing.remove();
    await informer.synced;
    expect(await restarts(set, "list")).toBeGreaterThanOrEqual(4);
    expect(set.captured.lines("list or watch failed").length).toBeGreaterThanOrEqual(4);
  });

  it("goes on from the last version when the server ends a watch in good order", async () => {
    const set = await setUp({ watchTimeoutSeconds: 1 });
    runInBackground(set.informer);
    await set.informer.synced;
    const created = await widgets.create(widget(set.namespace, "a"));
    await expect.poll(() => set.changes).toEqual(["add a"]);
    await expect.poll(() => set.proxy.requests(watchesOf).length).toBeGreaterThanOrEqual(3);
    expect(set.proxy.requests(listsOf)).toHaveLength(1);
    const last = new URL(set.proxy.requests(watchesOf).at(-1)?.path ?? "", "http://x").searchParams;
    expect(last.get("resourceVersion")).toBe(created.metadata.resourceVersion);
    expect(last.get("allowWatchBookmarks")).toBe("true");
    expect(await restarts(set, "closed")).toBeGreaterThanOrEqual(2);
    // Its silence was not taken for a dead connection.
    expect(await restarts(set, "idle")).toBe(0);
    await widgets.create(widget(set.namespace, "b"));
    await expect.poll(() => set.changes).toEqual(["add a", "add b"]);
  });

  it("follows bookmarks, so that a quiet watch does not fall behind", async () => {
    // The server sends one about two seconds before it ends a watch, if anything of the kind was written since the last.
    const set = await setUp({ watchTimeoutSeconds: 4 });
    runInBackground(set.informer);
    await set.informer.synced;
    const elsewhere = await widgets.create(widget(await cluster.namespace("elsewhere"), "other"));
    const versions = (): number[] =>
      set.proxy.requests(watchesOf).map(({ path }) => Number(new URL(path, "http://x").searchParams.get("resourceVersion")));
    const reached = Number(elsewhere.metadata.resourceVersion);
    const follows = async (): Promise<boolean> => {
      const other = deepFreeze(await widgets.get(keyOf(elsewhere)));
      await widgets.patchFields(other, { spec: { size: ((other.spec?.size ?? 0) + 1) % 10 } });
      return versions().some((version) => version >= reached);
    };
    await expect.poll(follows, { timeout: 20_000, interval: 500 }).toBe(true);
    expect(set.proxy.requests(listsOf)).toHaveLength(1);
    expect(set.changes).toEqual([]);
  });

  it("takes a watch on which nothing comes for dead", async () => {
    const set = await setUp({ idleTimeoutMs: 300 });
    runInBackground(set.informer);
    await set.informer.synced;
    await expect.poll(() => restarts(set, "idle"), { timeout: 5_000 }).toBeGreaterThanOrEqual(1);
    await widgets.create(widget(set.namespace, "a"));
    await expect.poll(() => set.changes).toEqual(["add a"]);
  });

  it("shows a write of ours at once, and its watch event is then no news", async () => {
    const set = await setUp();
    runInBackground(set.informer);
    await set.informer.synced;
    const written = await widgets.create(widget(set.namespace, "a"));
    set.informer.observe(written);
    expect(set.informer.store.get(keyIn(set.namespace, "a"))?.metadata.uid).toBe(written.metadata.uid);
    expect(set.changes).toEqual(["add a"]);
    // Whatever comes after it on the watch proves that its own event was there before.
    await widgets.create(widget(set.namespace, "b"));
    await expect.poll(() => set.changes).toEqual(["add a", "add b"]);
  });

  it("does not lose a write of ours to a list that was taken before it", async () => {
    const set = await setUp();
    const gate = Promise.withResolvers<void>();
    runInBackground(set.informer);
    await set.informer.synced;
    await expect.poll(() => set.proxy.openWatches).toBe(1);
    const held = set.proxy.inject(watchesOf, { kind: "hold", until: gate.promise });
    set.proxy.cutWatches();
    await expect.poll(() => held.hits).toBe(1);
    // Listed, and not watching yet: this one only the write itself can bring.
    set.informer.observe(await widgets.create(widget(set.namespace, "a")));
    expect(namesIn(set.informer)).toEqual(["a"]);
    gate.resolve();
    await expect.poll(() => set.proxy.openWatches).toBe(1);
    await widgets.create(widget(set.namespace, "b"));
    await expect.poll(() => set.changes).toEqual(["add a", "add b"]);
  });

  it("does not bring back an object whose last finalizer a write of ours took away", async () => {
    const set = await setUp();
    runInBackground(set.informer);
    await set.informer.synced;
    const metadata = { name: "a", namespace: set.namespace, finalizers: ["test.example/a"] };
    await widgets.create(widget(set.namespace, "a", { metadata }));
    await widgets.delete(keyIn(set.namespace, "a"));
    await expect.poll(() => set.changes).toEqual(["add a", "update a"]);
    const gate = Promise.withResolvers<void>();
    // The lists too: one of them would tell of the end before our write's answer is here.
    for (const calls of [watchesOf, listsOf]) set.proxy.inject(calls, { kind: "hold", until: gate.promise });
    set.proxy.cutWatches();
    const last = await widgets.patchMetadata(deepFreeze(await widgets.get(keyIn(set.namespace, "a"))), { finalizers: [] });
    // Whatever version the farewell bears, here one that is newer than all.
    set.informer.observe({ ...last, metadata: { ...last.metadata, resourceVersion: `${last.metadata.resourceVersion}0` } });
    expect(set.changes).toEqual(["add a", "update a"]);
    gate.resolve();
    await expect.poll(() => set.changes).toEqual(["add a", "update a", "delete a"]);
  });

  it("hands all objects to its handlers again now and then", async () => {
    const { informer, namespace } = await setUp({ resyncMs: 200 });
    await widgets.create(widget(namespace, "a"));
    const seen: Change<DeepReadonly<Widget>>[] = [];
    informer.onChange((change) => seen.push(change));
    runInBackground(informer);
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(3);
    const again = seen[1];
    expect(again?.type === "update" && again.old === again.new).toBe(true);
  });

  it("stops when it is told to, without a word and without a watch left open", async () => {
    const set = await setUp();
    const stop = new AbortController();
    const run = set.informer.run(stop.signal);
    await set.informer.synced;
    await expect.poll(() => set.proxy.openWatches).toBe(1);
    expect(await set.metric("kube_cached_objects", { kind: "Widget" })).toBe(0);
    stop.abort();
    await run;
    await expect.poll(() => set.proxy.openWatches).toBe(0);
    expect(set.captured.lines("list or watch failed")).toEqual([]);
    expect(await restarts(set, "error")).toBe(0);
  });

  it("starts its metrics at zero", async () => {
    const set = await setUp();
    const causes = ["closed", "expired", "idle", "list", "forbidden", "error"];
    expect(await Promise.all(causes.map((cause) => restarts(set, cause)))).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
