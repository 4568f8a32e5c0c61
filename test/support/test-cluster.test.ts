import { describe, expect, it } from "vitest";
import { tryCommand } from "../cluster/run-command.ts";
import { ownControlPlane, testCluster } from "./test-cluster.ts";

describe("testCluster", () => {
  const cluster = testCluster();

  it("serves a namespace that no other test has", async () => {
    const [one, two] = await Promise.all([cluster.namespace("mine"), cluster.namespace("mine")]);
    expect(one).not.toBe(two);
    const listed = await cluster.kubectl(["get", "namespaces", "-o", "name"]);
    expect(listed.split("\n")).toEqual(expect.arrayContaining([`namespace/${one}`, `namespace/${two}`]));
  });

  it("passes standard input to kubectl and its refusal back", async () => {
    const namespace = await cluster.namespace();
    const object = (data: unknown): string =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "facts", namespace }, data });
    await cluster.kubectl(["apply", "-f", "-"], object({ answer: "42" }));
    expect(await cluster.kubectl(["get", "configmap", "facts", "-n", namespace, "-o", "jsonpath={.data.answer}"])).toBe("42");

    const refused = await cluster.tryKubectl(["apply", "-f", "-"], object({ answer: { nested: true } }));
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("ConfigMap");
    await expect(cluster.kubectl(["get", "configmap", "absent", "-n", namespace])).rejects.toThrow(/NotFound/);
  });

  it("counts requests in the API server's metrics", async () => {
    expect(await cluster.metrics()).toContain("apiserver_request_total{");
  });
});

describe("ownControlPlane", () => {
  it("keeps objects over a restart, refuses connections while stopped and hangs while paused", { timeout: 90_000 }, async () => {
    const own = await ownControlPlane();
    try {
      const kubectl = async (...args: string[]) => await tryCommand(own.kubectlPath, ["--kubeconfig", own.kubeconfig, ...args]);
      expect((await kubectl("create", "namespace", "kept")).code).toBe(0);

      await own.stopApiServer();
      const refused = await kubectl("get", "namespace", "kept");
      expect(refused.stderr).toContain("refused");
      await own.startApiServer();
      expect((await kubectl("get", "namespace", "kept", "-o", "name")).stdout.trim()).toBe("namespace/kept");

      own.pauseApiServer();
      const hanging = await kubectl("get", "namespace", "kept", "--request-timeout=500ms");
      expect(hanging.code).not.toBe(0);
      expect(hanging.stderr).toMatch(/Timeout|deadline|timeout/i);
      own.resumeApiServer();
      expect((await kubectl("get", "namespace", "kept", "-o", "name")).stdout.trim()).toBe("namespace/kept");
    } finally {
      await own.stop();
    }
  });
});
