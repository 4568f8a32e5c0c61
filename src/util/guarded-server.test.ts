import { once } from "node:events";
import type { RequestListener, Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createGuardedServer, type DropReason } from "./guarded-server.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Guarded {
  readonly server: Server;
  readonly dropped: readonly DropReason[];
  readonly open: () => number;
  /** Opens a connection, on which the server has counted already, and sends what is given. */
  readonly client: (text?: string) => Promise<Client>;
}

interface Client {
  readonly socket: Socket;
  /** All that came back, once the server has closed. */
  readonly closed: Promise<string>;
  /** The first answer. */
  readonly answer: Promise<string>;
}

async function guarded(maxConnections: number, listener: RequestListener): Promise<Guarded> {
  const dropped: DropReason[] = [];
  let open = 0;
  const server = createGuardedServer(
    {
      maxConnections,
      watch: { opened: () => void open++, closed: () => void open--, dropped: (reason) => void dropped.push(reason) },
    },
    listener,
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = async (text = ""): Promise<Client> => {
    const accepted = once(server, "connection");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => {});
    stops.push(() => socket.destroy());
    let received = "";
    const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(received)));
    const answer = new Promise<string>((resolve) =>
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        resolve(received);
      }),
    );
    await accepted;
    if (text !== "") socket.write(text);
    return { socket, closed, answer };
  };
  return { server, dropped, open: () => open, client };
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ok: RequestListener = (request, response) => {
  request.resume();
  response.end("ok");
};

describe("room for one more", () => {
  it("is made by the connection that has waited longest for its client", async () => {
    const { client, dropped, open } = await guarded(3, ok);
    const silent = await client();
    const halfHead = await client("GET / HTTP/1.1\r\nHost:");
    const used = await client(get);
    expect(await used.answer).toContain("200 OK");

    const newcomer = await client(get);
    expect(await newcomer.answer).toContain("200 OK");
    expect(await silent.closed).toBe("");
    const another = await client(get);
    expect(await another.answer).toContain("200 OK");
    expect(await halfHead.closed).toBe("");
    expect(dropped).toEqual(["evicted", "evicted"]);
    // The one that was used lives, and works.
    used.socket.write(get);
    await once(used.socket, "data");
    await expect.poll(open).toBe(3);
  });

  it("comes also from bodies that are held back, and never from answers in the making", async () => {
    const requests: string[] = [];
    const seen = Promise.withResolvers<void>();
    const { client, dropped } = await guarded(2, (request) => {
      requests.push(request.url ?? "");
      if (requests.length === 2) seen.resolve();
      request.resume();
      // An answer takes until the end of the test.
    });
    const body = await client("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1");
    const work = await client("POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1");
    await seen.promise;

    // It has said nothing yet, and is not the one to go: it came last.
    const newcomer = await client();
    expect(await body.closed).toBe("");
    newcomer.socket.write("POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1");
    await expect.poll(() => requests).toEqual(["/body", "/work", "/work"]);
    const refused = await client(get);
    expect(await refused.closed).toBe("");
    expect(dropped).toEqual(["evicted", "refused"]);
    expect([work.socket.destroyed, newcomer.socket.destroyed]).toEqual([false, false]);
  });
});

describe("a request that two servers could read differently", () => {
  const inner = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
  const length = inner.length;
  it.each([
    [
      "both lengths",
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    ],
    [
      "both lengths, the other way round",
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${inner}`,
    ],
    ["two different lengths", `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: ${length}\r\n\r\n${inner}`],
    ["a length that is no number", `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x10\r\n\r\n${inner}`],
    ["a negative length", `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n${inner}`],
    ["a space before the colon", `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`],
    ["chunked, but not at last", `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n${inner}`],
    ["an unknown transfer coding", `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
    [
      "a size of a chunk that is none",
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n${inner}`,
    ],
    ["a bare line feed after a chunk", `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n${inner}`],
    ["a NUL in a header", `POST / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n${inner}`],
  ])("is refused and ends the connection: %s", async (_name, text) => {
    const paths: string[] = [];
    const { client, open } = await guarded(5, (request, response) => {
      paths.push(request.url ?? "");
      request.resume().on("end", () => response.end("ok"));
    });
    const answered = await (await client(text)).closed;
    expect(answered).toMatch(/^HTTP\/1\.1 400 /);
    expect(answered.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(paths).not.toContain("/smuggled");
    await expect.poll(open).toBe(0);
  });
});

describe("what a client sends too much of, or too slowly", () => {
  it("is refused: headers beyond 16 KiB, in one or in many", async () => {
    const { client, dropped } = await guarded(5, ok);
    const one = await client(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(17_000)}\r\n\r\n`);
    expect(await one.closed).toMatch(/^HTTP\/1\.1 431 /);
    const many = await client(`GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(5_000)}\r\n`);
    expect(await many.closed).toMatch(/^HTTP\/1\.1 431 /);
    expect(dropped).toEqual(["headersTooLarge", "headersTooLarge"]);
  });

  it("is refused: more than 100 headers", async () => {
    const { client, dropped } = await guarded(5, ok);
    const head = (count: number): string => `GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(count - 1)}\r\n`;
    expect(await (await client(head(100))).answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await (await client(head(101))).closed).toMatch(/^HTTP\/1\.1 431 /);
    expect(dropped).toEqual(["headersTooLarge"]);
  });

  it("ends the connection: more requests at once than are worked on", async () => {
    let count = 0;
    const { client, dropped } = await guarded(5, (request) => {
      count += 1;
      request.resume();
    });
    const eager = await client(get.repeat(1_000));
    expect(await eager.closed).toBe("");
    expect([count, dropped]).toEqual([8, ["pipelined"]]);
    const patient = await client(get.repeat(8));
    await expect.poll(() => count).toBe(16);
    expect(patient.socket.destroyed).toBe(false);
  });

  it("ends the connection: a head that does not come to its end", { timeout: 30_000 }, async () => {
    const { client, dropped } = await guarded(5, ok);
    const slow = await client("GET / HTTP/1.1\r\nHost: a\r\n");
    const drip = setInterval(() => slow.socket.write("A: b\r\n"), 200);
    stops.push(() => clearInterval(drip));
    expect(await slow.closed).toMatch(/^HTTP\/1\.1 408 /);
    expect(dropped).toEqual(["tooSlow"]);
  });

  it("has limits that options of Node do not loosen", async () => {
    const { server } = await guarded(5, ok);
    expect(server).toMatchObject({ headersTimeout: 5_000, requestTimeout: 15_000, timeout: 30_000, maxHeadersCount: 100 });
  });

  it("never joins an answer that has begun", async () => {
    const { client } = await guarded(5, (request, response) => {
      request.resume();
      response.write("begun");
    });
    const confused = await client("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    await confused.answer;
    confused.socket.write("no chunk\r\n");
    expect((await confused.closed).match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});
