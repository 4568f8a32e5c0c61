import { connect, createServer } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TelemetryServer } from "./http.ts";
import { silentLogger } from "./log.ts";
import { Counter, Gauge, Registry } from "./metrics.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(options: { ready?: () => boolean; registry?: Registry } = {}) {
  const registry = options.registry ?? new Registry();
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

  it("makes a page for everybody who asks now and then, and the same for those who ask without pause", async () => {
    const registry = new Registry();
    let made = 0;
    new Gauge({
      name: "pages",
      help: "Pages.",
      registers: [registry],
      collect() {
        made += 1;
        this.set(made);
      },
    });
    // Time is the test's: on a busy machine a flood may take long enough for another page.
    const now = vi.spyOn(performance, "now").mockReturnValue(1_000);
    const url = `${await serve({ registry })}/metrics`;
    const page = async (): Promise<string> => await (await fetch(url)).text();
    for (let count = 1; count <= 20; count++) expect(await page()).toContain(`pages ${count}\n`);
    for (let count = 0; count < 50; count++) expect(await page()).toContain("pages 20\n");
    now.mockReturnValue(1_250);
    expect([await page(), await page()].map((text) => /pages (\d+)/.exec(text)?.[1])).toEqual(["21", "21"]);
  });

  it("ends a connection that brings a body without end", async () => {
    const url = new URL(await serve());
    const socket = connect(Number(url.port), url.hostname);
    socket.on("error", () => {}).resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const chunks = "1\r\nx\r\n".repeat(5_000);
    socket.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    await closed;
  });

  it("stops although a client does not finish its request", { timeout: 30_000 }, async () => {
    const url = new URL(await serve());
    const socket = connect(Number(url.port), url.hostname);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.write("GET /metrics HTTP/1.1\r\nHost: a\r\n");
    // An answer on another connection proves that this one was accepted before it.
    await fetch(url);
    await stops.pop()?.();
    await closed;
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
