import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Cluster } from "../../src/kube/cluster.ts";
import { KubeMetrics } from "../../src/kube/metrics.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { Registry } from "../../src/telemetry/metrics.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { testCluster } from "../support/test-cluster.ts";
import { kubeconfigFor } from "./limited-user.ts";
import { connect, installWidgets, keyIn, widget } from "./widgets.ts";

describe("Cluster", () => {
  const cluster = testCluster();
  let namespace: string;

  beforeAll(async () => {
    await installWidgets(cluster);
    namespace = await cluster.namespace("cluster");
  });

  async function scratch(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "kube-auth-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }

  /** An exec plugin that prints the token in a file and counts its calls. */
  async function execUser(directory: string, expiresInMs: number): Promise<object> {
    const expiry = new Date(Date.now() + expiresInMs).toISOString();
    const script = `#!/bin/sh
echo x >>${directory}/calls
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s","expirationTimestamp":"${expiry}"}}' "$(cat ${directory}/token)"
`;
    await writeFile(join(directory, "plugin"), script);
    await chmod(join(directory, "plugin"), 0o700);
    return {
      exec: { apiVersion: "client.authentication.k8s.io/v1", command: join(directory, "plugin"), interactiveMode: "Never" },
    };
  }

  const calls = async (directory: string): Promise<number> =>
    (await readFile(join(directory, "calls"), "utf8")).split("\n").length - 1;

  it("reuses its connections, and has no more than 64 for any number of calls at a time", async () => {
    const proxy = await FaultProxy.start(cluster);
    onTestFinished(() => proxy.close());
    const { widgets, cluster: proxied } = connect(proxy.kubeconfig);
    const { host } = new URL(proxied.server);
    let connections = 0;
    const onConnected = (message: unknown): void => {
      if ((message as { connectParams: { host: string } }).connectParams.host === host) connections++;
    };
    subscribe("undici:client:connected", onConnected);
    onTestFinished(() => void unsubscribe("undici:client:connected", onConnected));
    for (let n = 0; n < 5; n++) await widgets.list({ namespace });
    // Two, because undici opens another one when a request comes in the same turn in which an answer ends.
    expect(connections).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 100 }, (_, n) => widgets.create(widget(namespace, `many${n}`))));
    expect(connections).toBeGreaterThan(2);
    expect(connections).toBeLessThanOrEqual(64);
  });

  it("authenticates with an exec plugin, and starts it once for many requests", async () => {
    const directory = await scratch();
    await writeFile(join(directory, "token"), cluster.token);
    const { widgets } = connect(await kubeconfigFor(cluster, await execUser(directory, 3_600_000)));
    await Promise.all(Array.from({ length: 20 }, () => widgets.list({ namespace })));
    expect(await calls(directory)).toBe(1);
  });

  it("asks for another token when the server refuses the one it has", async () => {
    const directory = await scratch();
    await writeFile(join(directory, "token"), "revoked");
    // Expired already, so the plugin is asked whenever headers are made, and only then.
    const { widgets } = connect(await kubeconfigFor(cluster, await execUser(directory, -1_000)));
    await expect(widgets.list({ namespace })).rejects.toMatchObject({ status: 401, reason: "Unauthorized" });
    await writeFile(join(directory, "token"), cluster.token);
    expect((await widgets.list({ namespace })).items).toBeDefined();
  });

  it("gives up on an exec plugin that does not answer", async () => {
    const directory = await scratch();
    await writeFile(join(directory, "plugin"), "#!/bin/sh\nexec sleep 3\n");
    await chmod(join(directory, "plugin"), 0o700);
    const user = {
      exec: { apiVersion: "client.authentication.k8s.io/v1", command: join(directory, "plugin"), interactiveMode: "Never" },
    };
    const { widgets } = connect(await kubeconfigFor(cluster, user));
    await expect(widgets.get(keyIn(namespace, "any"), { timeoutMs: 200 })).rejects.toMatchObject({ reason: "Unavailable" });
  });

  it("says what an exec plugin complains about", async () => {
    const directory = await scratch();
    await writeFile(join(directory, "plugin"), "#!/bin/sh\necho 'login has expired, run: example login' >&2\nexit 1\n");
    await chmod(join(directory, "plugin"), 0o700);
    const user = {
      exec: { apiVersion: "client.authentication.k8s.io/v1", command: join(directory, "plugin"), interactiveMode: "Never" },
    };
    const { widgets } = connect(await kubeconfigFor(cluster, user));
    await expect(widgets.list({ namespace })).rejects.toMatchObject({
      reason: "Unavailable",
      message: expect.stringContaining("no credentials for the kubeconfig's user: login has expired, run: example login"),
    });
  });

  it("reads a token from a file", async () => {
    const directory = await scratch();
    await writeFile(join(directory, "token"), `${cluster.token}\n`);
    const user = { "auth-provider": { name: "tokenFile", config: { tokenFile: join(directory, "token") } } };
    const { widgets } = connect(await kubeconfigFor(cluster, user));
    expect((await widgets.list({ namespace })).items).toBeDefined();
  });

  it("goes through the proxy that the kubeconfig names, with calls and watches", async () => {
    const tunnels: string[] = [];
    const sockets = new Set<Duplex>();
    const proxy = createServer().on("connect", (request, socket, head) => {
      tunnels.push(request.url ?? "");
      const { hostname, port } = new URL(`http://${request.url}`);
      const upstream = createConnection(Number(port), hostname, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upstream.write(head);
        socket.pipe(upstream).pipe(socket);
      });
      for (const end of [socket, upstream]) sockets.add(end.on("error", () => end.destroy()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    const { port } = proxy.address() as { port: number };
    const more = { "proxy-url": `http://127.0.0.1:${port}` };
    const { widgets } = connect(await kubeconfigFor(cluster, { token: cluster.token }, more));
    const { resourceVersion } = await widgets.list({ namespace });
    await widgets.create(widget(namespace, "tunnelled"));
    for await (const event of widgets.watch({ namespace, resourceVersion, fieldSelector: "metadata.name=tunnelled" })) {
      expect(event.type).toBe("ADDED");
      break;
    }
    expect(new Set(tunnels)).toEqual(new Set([new URL(cluster.server).host]));
  });

  it("never shows a token in an error", async () => {
    const { widgets } = connect(await kubeconfigFor(cluster, { token: "hunter2-token" }));
    const error: unknown = await widgets.list({ namespace }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 401 });
    expect(`${String(error)} ${JSON.stringify(error)} ${(error as Error).stack}`).not.toContain("hunter2");
  });

  it("says which kubeconfig it cannot use", async () => {
    const options = { log: silentLogger(), metrics: new KubeMetrics(new Registry()) };
    expect(() => Cluster.load({ ...options, kubeconfig: "/nowhere/config" })).toThrow(
      /cannot read the kubeconfig \/nowhere\/config/,
    );
    const file = join(await scratch(), "config");
    await writeFile(file, "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n");
    expect(() => Cluster.load({ ...options, kubeconfig: file })).toThrow(/has no current context with a cluster/);
    const plain = {
      clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "" } }],
    };
    await writeFile(file, JSON.stringify({ ...plain, "current-context": "x" }));
    expect(() => Cluster.load({ ...options, kubeconfig: file })).toThrow(/http:\/\/127.0.0.1:1 is not https/);
  });
});
