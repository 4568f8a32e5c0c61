import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { S3Fault } from "./faults.ts";
import { authenticate, parseRequest } from "./request.ts";
import { escaped, S3Error, xml } from "./s3-error.ts";
import { type S3Call, type S3Reply, S3Sim, type S3SimOptions } from "./sim.ts";

/** startS3Sim starts a simulated S3 on a free port of the loopback address, unless told otherwise. */
export async function startS3Sim(
  options: S3SimOptions & { readonly host?: string; readonly port?: number } = {},
): Promise<S3Sim> {
  const sim = new S3Sim(options);
  const server = createServer((request, response) => {
    void serve(sim, request, response);
  });
  const host = options.host ?? "127.0.0.1";
  server.listen(options.port ?? 0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  sim.listening(`http://${host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host}:${port}`, async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return sim;
}

async function serve(sim: S3Sim, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  let call: S3Call | undefined;
  try {
    const header = (name: string): string | undefined => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const body = await readBody(incoming);
    const parsed = parseRequest(incoming.method ?? "GET", new URL(incoming.url ?? "/", "http://sim"), header, body);
    const accessKeyId = authenticate(header("authorization"), sim.region);
    const request = { ...parsed, accessKeyId };
    const { operation, bucket, key } = request;
    call = { operation, bucket, key, accessKeyId, outcome: "pending" };
    sim.calls.push(call);
    const fault = sim.faults.take(request);
    fault?.arrive();
    const reply = await meet(fault, () => sim.answer(request));
    call.outcome = reply === "cut" ? "cut" : fault?.outcome.kind === "html" ? "html" : "ok";
    if (reply === "cut") incoming.socket.destroy();
    else send(response, reply);
  } catch (error) {
    const failure = error instanceof S3Error ? error : new S3Error("InternalError", 500, String(error), { violation: true });
    if (call !== undefined) call.outcome = failure.code;
    if (failure.violation) sim.violations.push(`${incoming.method} ${incoming.url}: ${failure.message}`);
    send(response, errorReply(failure));
  }
}

/** What a fault makes of a call. */
async function meet(fault: S3Fault | undefined, answer: () => S3Reply): Promise<S3Reply | "cut"> {
  if (fault === undefined) return answer();
  const { outcome } = fault;
  if ("accepted" in outcome && outcome.accepted === true) answer();
  switch (outcome.kind) {
    case "cut":
      return "cut";
    case "error":
      throw new S3Error(outcome.code, outcome.status, outcome.message ?? "made to fail by a test");
    case "html":
      return {
        status: outcome.status,
        headers: { "content-type": "text/html" },
        body: "<html><body><h1>a proxy between</h1></body></html>",
      };
    case "hang":
      await fault.released;
      return answer();
    default:
      return outcome satisfies never;
  }
}

function errorReply({ code, message, status, fields, headers }: S3Error): S3Reply {
  const further = Object.entries(fields).map(([name, value]) => xml(name, escaped(value)));
  const body = xml("Error", xml("Code", code), xml("Message", escaped(message)), ...further);
  return {
    status,
    headers: { ...headers, "content-type": "application/xml" },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

function send(response: ServerResponse, { status, headers = {}, body = "" }: S3Reply): void {
  if (response.writableEnded || response.destroyed) return;
  response.writeHead(status, { "x-amz-request-id": crypto.randomUUID(), ...headers });
  response.end(status === 204 ? "" : body);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
