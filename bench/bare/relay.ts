import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { rawApi } from "../raw-api.ts";
import { bareRequest } from "./bare-request.ts";

/** RelaySettings is all that the do-nothing relay knows. */
export interface RelaySettings {
  readonly kubeconfig: string;
  readonly token: string;
  readonly secret: string;
  /** Where requests are at the API server. */
  readonly path: string;
}

/*
 * The do-nothing relay, a process of its own: it checks a webhook's signature, parses it, stores a request of the job and answers, and
 * does nothing else. What it takes is what any receiver in Node.js takes from the API server that it shares the machine with.
 */

const settings = JSON.parse(process.env["SETTINGS"] ?? "{}") as RelaySettings;
const api = rawApi(settings.kubeconfig, settings.token, 64);

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const signature = Buffer.from(String(request.headers["x-hub-signature-256"]).replace("sha256=", ""), "hex");
  if (!timingSafeEqual(createHmac("sha256", settings.secret).update(body).digest(), signature)) {
    response.writeHead(401).end();
    return;
  }
  const event = JSON.parse(body.toString("utf8")) as { readonly workflow_job: { readonly id: number } };
  // The same deliveries go to the operator: its requests have the names without the 7.
  await api.send("POST", settings.path, bareRequest(`job-7${event.workflow_job.id}`));
  response.writeHead(202).end();
}

const server = createServer((request, response) => {
  receive(request, response).catch((error: unknown) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(`listening on ${(server.address() as AddressInfo).port}`));
