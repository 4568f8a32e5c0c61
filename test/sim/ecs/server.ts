import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { control } from "./control.ts";
import type { Reply } from "./wire.ts";
import type { EcsSimOptions } from "./options.ts";
import { EcsSim } from "./sim.ts";

/** startEcsSim starts a simulated ECS on a free port of the loopback address, unless told otherwise. */
export async function startEcsSim(options: EcsSimOptions = {}): Promise<EcsSim> {
  const sim = new EcsSim(options);
  const server = createServer((request, response) => {
    void serve(sim, request, response);
  });
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const host = options.host ?? "127.0.0.1";
  sim.listening(`http://${host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host}:${port}`, async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return sim;
}

async function serve(sim: EcsSim, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    const body = await readBody(request);
    const path = new URL(request.url ?? "/", "http://sim").pathname;
    if (path.startsWith("/_sim")) {
      const { status, body: answer } = await control(sim, request.method ?? "GET", path, body);
      send(response, status, "application/json", `${JSON.stringify(answer, undefined, 2)}\n`);
      return;
    }
    const reply = await sim.dispatcher.handle({
      target: header(request, "x-amz-target"),
      authorization: header(request, "authorization"),
      sdkRequest: header(request, "amz-sdk-request"),
      body,
      signal: gone.signal,
    });
    answer(request, response, reply);
  } catch (error) {
    // A bug of ours, or a client that went away while it was sending; both show in the answer if anybody is left to read it.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    send(
      response,
      500,
      "application/x-amz-json-1.1",
      JSON.stringify({ __type: "ServerException", message: `simulator: ${message}` }),
    );
  }
}

function answer(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  switch (reply.kind) {
    case "cut":
      request.socket.destroy();
      return;
    case "html":
      send(response, reply.status, "text/html", "<html><body><h1>a proxy between</h1></body></html>");
      return;
    case "json":
      send(response, reply.status, "application/x-amz-json-1.1", JSON.stringify(reply.body));
      return;
    default:
      reply satisfies never;
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (!response.writableEnded && !response.destroyed) {
    response.writeHead(status, { "content-type": type, "x-amzn-requestid": crypto.randomUUID() });
    response.end(body);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}
