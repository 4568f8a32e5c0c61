import { CoreV1Api, KubeConfig, Watch } from "@kubernetes/client-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiRequest } from "../cluster/api-request.ts";
import { tryCommand } from "../cluster/run-command.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { testCluster } from "./test-cluster.ts";

describe("FaultProxy", () => {
  const cluster = testCluster();
  let proxy: FaultProxy;
  let namespace: string;
  let core: CoreV1Api;
  let config: KubeConfig;

  beforeEach(async () => {
    proxy = await FaultProxy.start(cluster);
    namespace = await cluster.namespace("proxied");
    config = new KubeConfig();
    config.loadFromFile(proxy.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  afterEach(async () => {
    await proxy.close();
  });

  const create = async (name: string): Promise<unknown> =>
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name } } });
  const exists = async (name: string): Promise<boolean> =>
    (await cluster.tryKubectl(["get", "configmap", name, "-n", namespace])).code === 0;

  it("passes requests on and counts them", async () => {
    await create("plain");
    expect(await exists("plain")).toBe(true);
    await expect
      .poll(() => proxy.requests({ method: "POST" }))
      .toEqual([
        {
          method: "POST",
          path: `/api/v1/namespaces/${namespace}/configmaps`,
          watch: false,
          status: 201,
          forwarded: true,
          ended: true,
        },
      ]);
  });

  it("serves kubectl", async () => {
    const answer = await tryCommand(cluster.kubectlPath, [
      "--kubeconfig",
      proxy.kubeconfig,
      "get",
      "namespace",
      namespace,
      "-o",
      "name",
    ]);
    expect(answer.stdout.trim()).toBe(`namespace/${namespace}`);
  });

  it("presents a certificate of its own where the key of the API server is not at hand", async () => {
    const other = await FaultProxy.start({ kubeconfig: cluster.kubeconfig });
    try {
      const answer = await apiRequest(other.target, { path: `/api/v1/namespaces/${namespace}` });
      expect(answer.status).toBe(200);
      expect(other.requests()).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  it("cuts the connection before the API server hears of the write", async () => {
    const injection = proxy.inject({ method: "POST", path: /configmaps/ }, { kind: "dropBefore" }, { times: 1 });
    await expect(create("lost")).rejects.toThrow();
    expect(injection.hits).toBe(1);
    expect(await exists("lost")).toBe(false);
    await create("lost");
  });

  it("cuts the connection after the API server has done the write", async () => {
    proxy.inject({ method: "POST", path: /configmaps/ }, { kind: "dropAfter" }, { times: 1 });
    await expect(create("done")).rejects.toThrow();
    expect(await exists("done")).toBe(true);
    await expect(create("done")).rejects.toMatchObject({ code: 409 });
  });

  it.each([
    [410, "Expired"],
    [429, "TooManyRequests"],
    [500, "InternalError"],
    [503, "ServiceUnavailable"],
  ] as const)("answers %i as the API server does", async (code, reason) => {
    proxy.inject({ path: /configmaps/ }, { kind: "status", code, retryAfterSeconds: 7 }, { times: 1 });
    const error: unknown = await create("refused").then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code, headers: { "retry-after": "7" } });
    expect(error).toHaveProperty("body", expect.stringContaining(`"reason":"${reason}"`));
    expect(await exists("refused")).toBe(false);
    await create("refused");
  });

  it("holds a request until the test lets it go", async () => {
    const gate = Promise.withResolvers<void>();
    const injection = proxy.inject({ method: "POST" }, { kind: "hold", until: gate.promise }, { times: 1 });
    const written = create("held");
    await expect.poll(() => injection.hits).toBe(1);
    expect(await exists("held")).toBe(false);
    gate.resolve();
    await written;
    expect(await exists("held")).toBe(true);
  });

  it("does not pass on what the client stopped waiting for while it was held", async () => {
    const gate = Promise.withResolvers<void>();
    const injection = proxy.inject({ method: "DELETE" }, { kind: "hold", until: gate.promise });
    await create("kept");
    const path = `/api/v1/namespaces/${namespace}/configmaps/kept`;
    const call = apiRequest(proxy.target, { method: "DELETE", path, timeoutMs: 3_000 });
    call.catch(() => undefined);
    await expect.poll(() => injection.hits).toBe(1);
    await expect(call).rejects.toThrow(/aborted/);
    await expect.poll(() => proxy.requests({ method: "DELETE" })[0]?.ended).toBe(true);
    gate.resolve();
    await create("later");
    expect(await exists("kept")).toBe(true);
    expect(proxy.requests({ method: "DELETE" })[0]?.forwarded).toBe(false);
  });

  it("delays a request", async () => {
    proxy.inject({ method: "POST" }, { kind: "delay", ms: 300 });
    const before = performance.now();
    await create("late");
    expect(performance.now() - before).toBeGreaterThanOrEqual(290);
  });

  it("cuts all watches and answers the next one with an expired version", async () => {
    const watch = new Watch(config);
    const events: string[] = [];
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const open = async (): Promise<unknown> =>
      await watch.watch(
        path,
        {},
        (type) => events.push(type),
        () => {},
      );
    await open();
    await expect.poll(() => proxy.openWatches).toBe(1);
    await create("seen");
    await expect.poll(() => events).toContain("ADDED");
    expect(proxy.cutWatches()).toBe(1);
    await expect.poll(() => proxy.openWatches).toBe(0);

    proxy.inject({ watch: true }, { kind: "watchExpired" }, { times: 1 });
    await open();
    await expect.poll(() => events).toContain("ERROR");
  });

  it("makes watches tell later, also those that are open, until that is over", async () => {
    const told: { readonly name: string; readonly at: number }[] = [];
    await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      {},
      (type, object: { metadata: { name: string } }) => {
        if (type === "ADDED") told.push({ name: object.metadata.name, at: performance.now() });
      },
      () => {},
    );
    await expect.poll(() => proxy.openWatches).toBe(1);
    const names = (): string[] => told.map(({ name }) => name).filter((name) => name !== "kube-root-ca.crt");
    const isOver = proxy.lagWatches(500);
    const before = performance.now();
    await create("late");
    // A write is answered before watches tell of it: the lag has to hold until then.
    await expect.poll(names).toEqual(["late"]);
    expect((told.find(({ name }) => name === "late")?.at ?? 0) - before).toBeGreaterThanOrEqual(499);
    isOver();
    // If this were not over at once, it would be told in an hour.
    proxy.lagWatches(3_600_000)();
    await create("after");
    await expect.poll(names).toEqual(["late", "after"]);
  });

  it("refuses connections and takes them again on the same port", async () => {
    await create("before");
    await proxy.refuse();
    await expect(create("meanwhile")).rejects.toThrow();
    await proxy.accept();
    await create("after");
    expect(await exists("meanwhile")).toBe(false);
    expect(await exists("after")).toBe(true);
  });
});
