import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { TelemetryServer } from "./http.ts";
import { silentLogger } from "./log.ts";
import { Counter, Registry } from "./metrics.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(options: { ready?: () => boolean } = {}) {
  const registry = new Registry();
  new Counter({ name: "things_total", help: "Things.", registers: [registry] }).inc(3);
  const server = new TelemetryServer({
    port: 0,
    host: "127.0.0.1",
    registry,
    ready: options.ready ?? (() => true),
    log: silentLogger(),
  });
  const stop = new AbortController();
  const run = server.run(stop.signal);
  await server.ready;
  stops.push(async () => {
    stop.abort();
    await run;
  });
  return `http://127.0.0.1:${server.address.port}`;
}

describe("TelemetryServer", () => {
  it("serves the registry", async () => {
    const response = await fetch(`${await serve()}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(await response.text()).toContain("things_total 3");
  });

  it("is healthy before it is ready", async () => {
    let ready = false;
    const url = await serve({ ready: () => ready });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    ready = true;
    expect((await fetch(`${url}/readyz?verbose`)).status).toBe(200);
  });

  it("refuses other paths and methods", async () => {
    const url = await serve();
    expect((await fetch(`${url}/`)).status).toBe(404);
    const post = await fetch(`${url}/metrics`, { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("fails when its port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const server = new TelemetryServer({
      port,
      host: "127.0.0.1",
      registry: new Registry(),
      ready: () => true,
      log: silentLogger(),
    });
    await expect(server.run(new AbortController().signal)).rejects.toMatchObject({ code: "EADDRINUSE" });
    other.close();
  });
});
