import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { openEcsSender } from "../../src/provider/ecs/clients.ts";

/** A server that answers as ECS does when it knows no clusters, and notes what it was asked for: a proxy is asked for whole addresses. */
async function startServer(): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume();
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end('{"clusters":[],"failures":[]}');
  });
  // A connection to port 443 or the like: asked for by name, and then refused.
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function describeClusters(endpoint?: string): Promise<unknown> {
  const { sdk, client } = await openEcsSender({
    region: "eu-west-1",
    cluster: "runners",
    ...(endpoint !== undefined && { endpoint }),
  });
  onTestFinished(() => client.destroy());
  return await client.send(new sdk.DescribeClustersCommand({})).catch((error: unknown) => error);
}

describe("calls to ECS", () => {
  afterEach(() => vi.unstubAllEnvs());
  const withProxy = (url: string, noProxy = ""): void => {
    for (const [name, value] of Object.entries({
      AWS_ACCESS_KEY_ID: "AKIASIMULATOR",
      AWS_SECRET_ACCESS_KEY: "simulator",
      HTTP_PROXY: url,
      HTTPS_PROXY: url,
      NO_PROXY: noProxy,
    })) {
      vi.stubEnv(name, value);
    }
  };

  it("go through the proxy of the environment", async () => {
    const proxy = await startServer();
    withProxy(proxy.url);
    expect(await describeClusters("http://ecs.example.com")).toMatchObject({ clusters: [] });
    expect(proxy.asked).toEqual(["http://ecs.example.com/"]);
    // AWS itself speaks TLS, which the proxy only passes on; this one refuses.
    await describeClusters();
    expect(proxy.asked).toContain("CONNECT ecs.eu-west-1.amazonaws.com:443");
  });

  it("go past it where NO_PROXY says so", async () => {
    const [proxy, direct] = [await startServer(), await startServer()];
    withProxy(proxy.url, "127.0.0.1");
    expect(await describeClusters(direct.url)).toMatchObject({ clusters: [] });
    expect(direct.asked).toEqual(["/"]);
    expect(proxy.asked).toEqual([]);
  });
});
