import { describe, expect, it, onTestFinished } from "vitest";
import { keyText } from "../../src/kube/object.ts";
import { SecretSource } from "../../src/kube/secret-source.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { limitedUser } from "./limited-user.ts";
import { connect, keyIn, runInBackground } from "./widgets.ts";

const planted = "hunter2-do-not-log";

describe("SecretSource", () => {
  const cluster = testCluster();

  /** A source with the rights of a limited user, running, behind a proxy. */
  async function setUp() {
    const namespace = await cluster.namespace("secrets");
    const user = await limitedUser(cluster, namespace);
    const { servingCertificate } = cluster;
    const proxy = await FaultProxy.start({ ...user, ...(servingCertificate === undefined ? {} : { servingCertificate }) });
    onTestFinished(() => proxy.close());
    const connection = connect(proxy.kubeconfig);
    const source = new SecretSource({ ...connection, retryForbiddenMs: 1_000 });
    const changed: string[] = [];
    source.onChange((key) => changed.push(`${key.name} ${source.get(key).state}`));
    onTestFinished(() => expect(connection.captured.text).not.toContain(planted));
    return { ...connection, namespace, user, proxy, source, changed, ...writers(namespace) };
  }

  const writers = (namespace: string) => ({
    write: async (name: string, data: Record<string, string>): Promise<void> => {
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData: data };
      await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(secret));
    },
    remove: async (name: string): Promise<void> => void (await cluster.kubectl(["delete", "secret", name, "-n", namespace])),
  });

  const soon = (): AbortSignal => AbortSignal.timeout(10_000);

  it("reads and follows one Secret with a Role that names only that one", async () => {
    const { source, namespace, user, write, remove } = await setUp();
    await user.allowSecrets(["mine"]);
    await write("mine", { token: planted, binary: "下駄箱" });
    const key = keyIn(namespace, "mine");
    expect(source.get(key)).toEqual({ state: "pending" });
    source.want(key);
    runInBackground(source);
    const first = await source.settled(key, soon());
    expect(first).toMatchObject({ state: "present", data: { token: Buffer.from(planted), binary: Buffer.from("下駄箱") } });
    await write("mine", { token: "rotated" });
    await expect.poll(() => source.get(key)).toMatchObject({ state: "present", data: { token: Buffer.from("rotated") } });
    await remove("mine");
    await expect.poll(() => source.get(key)).toEqual({ state: "absent" });
    await write("mine", { token: "again" });
    await expect.poll(() => source.get(key)).toMatchObject({ state: "present", data: { token: Buffer.from("again") } });
  });

  it("says that a Secret is absent, and hears of its creation", async () => {
    const { source, namespace, user, write, changed } = await setUp();
    await user.allowSecrets(["late"]);
    runInBackground(source);
    const key = keyIn(namespace, "late");
    source.want(key);
    expect(await source.settled(key, soon())).toEqual({ state: "absent" });
    await write("late", { token: planted });
    await expect.poll(() => source.get(key).state).toBe("present");
    expect(changed).toEqual(["late absent", "late present"]);
  });

  it("says what to grant when it is forbidden, once in the log, and lets other Secrets be", async () => {
    const { source, namespace, user, write, captured } = await setUp();
    await user.allowSecrets(["mine"]);
    await write("mine", { token: planted });
    await write("other", { token: planted });
    runInBackground(source);
    source.want(keyIn(namespace, "mine"));
    source.want(keyIn(namespace, "other"));
    const message = `not allowed to read Secret ${namespace}/other: grant list and watch on it with a Role in namespace ${namespace}`;
    expect(await source.settled(keyIn(namespace, "other"), soon())).toEqual({ state: "forbidden", message });
    expect((await source.settled(keyIn(namespace, "mine"), soon())).state).toBe("present");
    expect(captured.lines("not allowed to read a secret")).toMatchObject([{ object: `${namespace}/other` }]);
    expect(captured.lines("list or watch failed")).toEqual([]);
  });

  it("recovers when the permission is granted, and says so", async () => {
    const { source, namespace, user, write, captured } = await setUp();
    await write("mine", { token: planted });
    runInBackground(source);
    const key = keyIn(namespace, "mine");
    source.want(key);
    expect((await source.settled(key, soon())).state).toBe("forbidden");
    await user.allowSecrets(["mine"]);
    await expect.poll(() => source.get(key).state, { timeout: 10_000 }).toBe("present");
    expect(captured.lines("allowed to read the secret again")).toHaveLength(1);
  });

  it("keeps what it knows through the 403 that a starting API server gives everybody", async () => {
    const { source, namespace, user, write, proxy, changed } = await setUp();
    await user.allowSecrets(["mine"]);
    await write("mine", { token: "old" });
    runInBackground(source);
    const key = keyIn(namespace, "mine");
    source.want(key);
    await source.settled(key, soon());
    await expect.poll(() => proxy.openWatches).toBe(1);
    const starting = proxy.inject({}, { kind: "status", code: 403 }, { times: 1 });
    proxy.cutWatches();
    await expect.poll(() => starting.hits).toBe(1);
    await write("mine", { token: "new" });
    await expect.poll(() => source.get(key), { timeout: 5_000 }).toMatchObject({ data: { token: Buffer.from("new") } });
    expect(changed).toEqual(["mine present", "mine present"]);
  });

  it("lives on the list when the watch is forbidden", async () => {
    const { source, namespace, user, write, captured } = await setUp();
    await user.allowSecrets(["mine"], ["get", "list"]);
    await write("mine", { token: planted });
    runInBackground(source);
    const key = keyIn(namespace, "mine");
    source.want(key);
    expect((await source.settled(key, soon())).state).toBe("present");
    await expect
      .poll(() => captured.lines("not allowed to read a secret"), { timeout: 5_000 })
      .toMatchObject([{ verbs: "watch" }]);
    expect(source.get(key).state).toBe("present");
  });

  it("watches a Secret once for all who want it, and no longer than the last of them", async () => {
    const { source, namespace, user, write, proxy } = await setUp();
    await user.allowSecrets(["mine"]);
    await write("mine", { token: planted });
    runInBackground(source);
    const key = keyIn(namespace, "mine");
    source.want(key);
    source.want(key);
    await source.settled(key, soon());
    await expect.poll(() => proxy.openWatches).toBe(1);
    source.unwant(key);
    expect(source.get(key).state).toBe("present");
    source.unwant(key);
    expect(source.get(key)).toEqual({ state: "pending" });
    await expect.poll(() => proxy.openWatches).toBe(0);
    source.unwant(key);
    source.want(key);
    expect((await source.settled(key, soon())).state).toBe("present");
  });

  it("stops waiting for an answer when the signal aborts", async () => {
    const { source, namespace } = await setUp();
    const key = keyIn(namespace, "never");
    source.want(key);
    const stop = new AbortController();
    const waiting = source.settled(key, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    expect(keyText(key)).toContain("never");
  });
});
