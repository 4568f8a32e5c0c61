import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Client, ignoreNotFound } from "../../src/kube/client.ts";
import { deepFreeze } from "../../src/kube/object.ts";
import { secrets } from "../../src/kube/resource.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { connect, installWidgets, keyIn, widget } from "./widgets.ts";

describe("Client", () => {
  const cluster = testCluster();
  const { widgets, cluster: connection } = connect(cluster.kubeconfig, "suite");
  let namespace: string;

  beforeAll(async () => {
    await installWidgets(cluster);
    namespace = await cluster.namespace("client");
  });

  it("creates, reads, lists and deletes", async () => {
    const created = await widgets.create(widget(namespace, "whole", { spec: { size: 3 } }));
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await widgets.get(keyIn(namespace, "whole"))).toEqual(created);
    const { items, resourceVersion } = await widgets.list({ namespace, fieldSelector: "metadata.name=whole" });
    expect(items).toEqual([created]);
    expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Number(created.metadata.resourceVersion));
    await widgets.delete(keyIn(namespace, "whole"));
    await expect(widgets.get(keyIn(namespace, "whole"))).rejects.toMatchObject({
      name: "ApiError",
      status: 404,
      reason: "NotFound",
    });
    expect(await ignoreNotFound(widgets.get(keyIn(namespace, "whole")))).toBeUndefined();
  });

  it("tells AlreadyExists from Conflict, although both are a 409", async () => {
    const first = deepFreeze(await widgets.create(widget(namespace, "twice")));
    await expect(widgets.create(widget(namespace, "twice"))).rejects.toMatchObject({ status: 409, reason: "AlreadyExists" });
    await widgets.patchMetadata(first, { labels: { a: "1" } });
    await expect(widgets.patchMetadata(first, { labels: { a: "2" } })).rejects.toMatchObject({ status: 409, reason: "Conflict" });
  });

  it("says which field was wrong", async () => {
    await expect(widgets.create(widget(namespace, "big", { spec: { size: 99 } }))).rejects.toMatchObject({
      reason: "Invalid",
      message: expect.stringContaining("spec.size"),
    });
    const unknown = widget(namespace, "odd", { spec: { flavour: "mint" } as object });
    await expect(widgets.create(unknown)).rejects.toMatchObject({
      reason: "BadRequest",
      message: expect.stringContaining("spec.flavour"),
    });
  });

  it("says that a kind does not exist", async () => {
    const client = new Client(connection, { ...widgets.resource, plural: "gadgets" });
    await expect(client.list({ namespace })).rejects.toMatchObject({
      reason: "NotFound",
      message: expect.stringContaining("list gadgets"),
    });
  });

  it("refuses a key without a namespace before it asks", async () => {
    await expect(widgets.get(keyIn("", "a"))).rejects.toThrow(/Widget a is namespaced/);
  });

  it("reads a list page by page, with kind and version on each item", async () => {
    const labels = { page: "yes" };
    await Promise.all(
      ["p1", "p2", "p3"].map((name) => widgets.create(widget(namespace, name, { metadata: { name, namespace, labels } }))),
    );
    const first = await widgets.list({ namespace, limit: 2, labelSelector: "page=yes" });
    expect(first.items.map(({ kind, apiVersion }) => [kind, apiVersion])).toEqual(
      Array(2).fill(["Widget", "kube.test.example/v1"]),
    );
    const second = await widgets.list({ namespace, limit: 2, labelSelector: "page=yes", continue: first.continue });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(["p1", "p2", "p3"]);
    expect(second.continue).toBeUndefined();
    expect(second.resourceVersion).toBe(first.resourceVersion);
  });

  describe("patchStatus", () => {
    it("changes what differs, removes what is gone and leaves the rest alone", async () => {
      const base = deepFreeze(await widgets.create(widget(namespace, "status", { spec: { size: 1 } })));
      const first = await widgets.patchStatus(base, { phase: "New", count: 0, nested: { a: 1, b: 2 } });
      expect(first.status).toEqual({ phase: "New", count: 0, nested: { a: 1, b: 2 } });
      const second = await widgets.patchStatus(deepFreeze(first), { phase: "Old", count: 0, nested: { b: 3 } });
      expect(second.status).toEqual({ phase: "Old", count: 0, nested: { b: 3 } });
      expect(second.spec).toEqual({ size: 1 });
      expect(await widgets.get(keyIn(namespace, "status"))).toEqual(second);
    });

    it("is refused when somebody else wrote meanwhile, and changes nothing then", async () => {
      const base = deepFreeze(await widgets.create(widget(namespace, "race")));
      await widgets.patchStatus(base, { phase: "First" });
      await expect(widgets.patchStatus(base, { phase: "Second" })).rejects.toMatchObject({ reason: "Conflict" });
      expect((await widgets.get(keyIn(namespace, "race"))).status).toEqual({ phase: "First" });
    });

    it("does not reach an object that was made anew under the same name", async () => {
      const old = deepFreeze(await widgets.create(widget(namespace, "reborn")));
      await widgets.delete(keyIn(namespace, "reborn"));
      await widgets.create(widget(namespace, "reborn"));
      await expect(widgets.patchStatus(old, { phase: "Old" })).rejects.toMatchObject({ reason: "Conflict" });
    });

    it("asks for an object that was read", async () => {
      await expect(widgets.patchStatus(deepFreeze(widget(namespace, "unread")), { phase: "x" })).rejects.toThrow(
        /no resourceVersion/,
      );
    });
  });

  describe("patchMetadata", () => {
    it("sets and removes labels, annotations and finalizers", async () => {
      const base = deepFreeze(
        await widgets.create(
          widget(namespace, "meta", {
            metadata: { name: "meta", namespace, labels: { keep: "1", drop: "1" }, finalizers: ["test.example/a"] },
          }),
        ),
      );
      const patched = await widgets.patchMetadata(base, {
        labels: { drop: null, add: "2" },
        annotations: { note: "x" },
        finalizers: ["test.example/a", "test.example/b"],
      });
      expect(patched.metadata).toMatchObject({
        labels: { keep: "1", add: "2" },
        annotations: { note: "x" },
        finalizers: ["test.example/a", "test.example/b"],
      });
      expect(patched.metadata.labels).not.toHaveProperty("drop");
      await widgets.delete(keyIn(namespace, "meta"));
      const deleting = deepFreeze(await widgets.get(keyIn(namespace, "meta")));
      expect(deleting.metadata.deletionTimestamp).toBeDefined();
      await widgets.patchMetadata(deleting, { finalizers: [] });
      expect(await ignoreNotFound(widgets.get(keyIn(namespace, "meta")))).toBeUndefined();
    });
  });

  it("changes other fields with patchFields", async () => {
    const base = deepFreeze(await widgets.create(widget(namespace, "fields", { spec: { size: 1, color: "red" } })));
    const patched = await widgets.patchFields(base, { spec: { size: 2, color: "red" } });
    expect(patched.spec).toEqual({ size: 2, color: "red" });
    await expect(widgets.patchFields(base, { spec: { size: 3 } })).rejects.toMatchObject({ reason: "Conflict" });
  });

  it("deletes only the incarnation and version that was meant", async () => {
    const object = await widgets.create(widget(namespace, "exact"));
    const key = keyIn(namespace, "exact");
    await expect(widgets.delete(key, { uid: "00000000-0000-0000-0000-000000000000" })).rejects.toMatchObject({
      reason: "Conflict",
    });
    await expect(widgets.delete(key, { resourceVersion: "1" })).rejects.toMatchObject({ reason: "Conflict" });
    await widgets.delete(key, { uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion });
    await expect(widgets.delete(key)).rejects.toMatchObject({ reason: "NotFound" });
  });

  it("watches changes from a version on", async () => {
    const { resourceVersion } = await widgets.list({ namespace });
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of widgets.watch({ namespace, resourceVersion, signal: stop.signal })) {
        if (event.type === "BOOKMARK") continue;
        seen.push(`${event.type} ${event.object.kind} ${event.object.metadata.name}`);
        if (event.type === "DELETED") return;
      }
    })();
    const created = deepFreeze(await widgets.create(widget(namespace, "watched")));
    await widgets.patchStatus(created, { phase: "x" });
    await widgets.delete(keyIn(namespace, "watched"));
    await watching;
    expect(seen).toEqual(["ADDED Widget watched", "MODIFIED Widget watched", "DELETED Widget watched"]);
    stop.abort();
  });

  it("does not quote the server about Secrets", async () => {
    const client = new Client(connection, secrets);
    const wrong = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: "s" }, data: { "bad key!": "aHVudGVyMg==" } };
    const error: unknown = await client.create(wrong).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ reason: "Invalid", message: `create secrets ${namespace}/s: Invalid (422)` });
  });

  describe("behind an unreliable network", () => {
    const withProxy = async (): Promise<{ proxy: FaultProxy } & ReturnType<typeof connect>> => {
      const proxy = await FaultProxy.start(cluster);
      onTestFinished(() => proxy.close());
      return { proxy, ...connect(proxy.kubeconfig) };
    };

    it("sends nothing when a patch has nothing to change", async () => {
      const { proxy, widgets } = await withProxy();
      const base = deepFreeze(
        await widgets.patchStatus(deepFreeze(await widgets.create(widget(namespace, "same"))), { phase: "x" }),
      );
      proxy.clear();
      expect(await widgets.patchStatus(base, { phase: "x", note: undefined })).toBe(base);
      expect(await widgets.patchMetadata(base, { finalizers: [], labels: { none: null } })).toBe(base);
      expect(proxy.requests()).toEqual([]);
    });

    it("sends nothing when what is known already is newer than what the patch was made from", async () => {
      const { proxy, widgets } = await withProxy();
      const base = deepFreeze(await widgets.create(widget(namespace, "known")));
      const known = deepFreeze(await widgets.patchStatus(base, { phase: "First" }));
      proxy.clear();
      await expect(widgets.patchStatus(base, { phase: "Second" }, { known })).rejects.toMatchObject({ reason: "Conflict" });
      expect(proxy.requests()).toEqual([]);
      expect((await widgets.patchStatus(known, { phase: "Second" }, { known: base })).status).toEqual({ phase: "Second" });
    });

    it("waits as long as a 429 asks and sends the request again", async () => {
      const { proxy, widgets, metric, cluster: proxied } = await withProxy();
      proxy.inject({ method: "POST" }, { kind: "status", code: 429, retryAfterSeconds: 1 }, { times: 1 });
      const before = performance.now();
      await widgets.create(widget(namespace, "throttled"));
      expect(performance.now() - before).toBeGreaterThanOrEqual(950);
      expect(proxy.requests({ method: "POST" })).toHaveLength(2);
      const host = new URL(proxied.server).host;
      expect(await metric("rest_client_requests_total", { code: "429", method: "POST", host })).toBe(1);
      expect(await metric("rest_client_requests_total", { code: "201", method: "POST", host })).toBe(1);
    });

    it.each([
      ["a 429 that asks for more time than the call has", 60],
      ["a 429 that does not say how long", undefined],
    ])("passes on %s", async (_, retryAfterSeconds) => {
      const { proxy, widgets } = await withProxy();
      const fault = { kind: "status", code: 429, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) } as const;
      const injection = proxy.inject({ method: "GET" }, fault);
      const error: unknown = await widgets.get(keyIn(namespace, "any")).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ reason: "TooManyRequests", status: 429 });
      expect((error as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterSeconds === undefined ? undefined : 60_000);
      expect(injection.hits).toBe(1);
    });

    it.each([500, 503, 504] as const)("does not repeat a request that got a %i, with or without Retry-After", async (code) => {
      const { proxy, widgets } = await withProxy();
      const injection = proxy.inject({ method: "GET" }, { kind: "status", code, retryAfterSeconds: 1 });
      await expect(widgets.get(keyIn(namespace, "any"))).rejects.toMatchObject({ status: code, retryAfterMs: 1_000 });
      expect(injection.hits).toBe(1);
    });

    it("calls a cut connection and a refused one Unavailable", async () => {
      const { proxy, widgets, metric } = await withProxy();
      proxy.inject({ method: "GET" }, { kind: "dropBefore" }, { times: 1 });
      const unavailable = {
        name: "ApiError",
        status: 0,
        reason: "Unavailable",
        message: expect.stringContaining(`get widgets ${namespace}/any`),
      };
      await expect(widgets.get(keyIn(namespace, "any"))).rejects.toMatchObject(unavailable);
      await proxy.refuse();
      await expect(widgets.get(keyIn(namespace, "any"))).rejects.toMatchObject(unavailable);
      await proxy.accept();
      await expect(widgets.get(keyIn(namespace, "any"))).rejects.toMatchObject({ reason: "NotFound" });
      expect(await metric("rest_client_requests_total", { code: "<error>", method: "GET" })).toBe(2);
    });

    it("gives up at its deadline", async () => {
      const { proxy, widgets } = await withProxy();
      const gate = Promise.withResolvers<void>();
      proxy.inject({ method: "GET" }, { kind: "hold", until: gate.promise });
      await expect(widgets.get(keyIn(namespace, "any"), { timeoutMs: 100 })).rejects.toMatchObject({
        reason: "Unavailable",
        message: expect.stringContaining("nothing came within 100 ms"),
      });
      await expect.poll(() => proxy.requests()[0]?.ended).toBe(true);
      gate.resolve();
    });

    it("throws the reason of its signal when that aborts", async () => {
      const { proxy, widgets } = await withProxy();
      const gate = Promise.withResolvers<void>();
      const injection = proxy.inject({ method: "GET" }, { kind: "hold", until: gate.promise });
      const stop = new AbortController();
      const failure = widgets.get(keyIn(namespace, "any"), { signal: stop.signal }).catch((error: unknown) => error);
      await expect.poll(() => injection.hits).toBe(1);
      stop.abort();
      expect(await failure).toMatchObject({ name: "AbortError" });
      await expect(widgets.get(keyIn(namespace, "any"), { signal: stop.signal })).rejects.toMatchObject({ name: "AbortError" });
      expect(injection.hits).toBe(1);
      gate.resolve();
    });
  });
});
