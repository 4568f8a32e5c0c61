import { createSign, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../src/util/clock.ts";
import { readBody } from "./http.ts";
import { type GitHubSim, startGitHubSim } from "./sim.ts";
import type { App, Installation } from "./state/model.ts";

/** ManualClock stands still until a test moves it. */
export class ManualClock implements Clock {
  #now = Date.parse("2026-10-01T12:00:00Z");

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** Scene is a simulated GitHub with a repository, an installation of its App there, and a token of that. */
export interface Scene {
  readonly clock: ManualClock;
  readonly sim: GitHubSim;
  readonly installation: Installation;
  readonly token: string;
}

/** setScene sets one, whose time stands still; close its `sim` when done. */
export async function setScene(): Promise<Scene> {
  const clock = new ManualClock();
  const sim = await startGitHubSim({ clock, tickMs: 0, tokens: "short" });
  sim.addRepository("acme/web");
  const installation = sim.install("acme");
  return { clock, sim, installation, token: await installationToken(sim, installation) };
}

/** jit is the body of a call that mints a runner's configuration. */
export const jit = { name: "r1", runner_group_id: 1, labels: ["self-hosted", "ECS"] };

/** mintRunner registers a runner and returns its id. */
export async function mintRunner({ sim, token }: Pick<Scene, "sim" | "token">, name: string): Promise<number> {
  const reply = await call(sim, "POST", "/orgs/acme/actions/runners/generate-jitconfig", token, { ...jit, name });
  if (reply.status !== 201) throw new Error(`no runner was registered: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body.runner.id as number;
}

/** appJwt signs an App JWT; every claim can be spoilt. */
export function appJwt(
  sim: GitHubSim,
  claims: { iat?: number; exp?: number; iss?: unknown; jti?: string } = {},
  options: { app?: App; key?: string; alg?: string } = {},
): string {
  const app = options.app ?? sim.app;
  const now = Math.floor(sim.world.now() / 1000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = { iat: now - 60, exp: now + 540, iss: app.id, jti: randomUUID(), ...claims };
  const unsigned = `${part({ alg: options.alg ?? "RS256", typ: "JWT" })}.${part(body)}`;
  const signature = createSign("RSA-SHA256")
    .update(unsigned)
    .sign(options.key ?? app.keys[0]?.privateKey ?? "");
  return `${unsigned}.${signature.toString("base64url")}`;
}

/** Reply is what a test looks at. `body` is typed by the test that reads it. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, read field by field in assertions
  readonly body: any;
}

/** call sends one request as a careless client would: nothing is checked on this side. */
export async function call(
  sim: GitHubSim,
  method: string,
  path: string,
  credentials?: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(`${sim.url}${path}`, {
    method,
    redirect: "manual",
    headers: {
      "user-agent": "sim-test",
      ...(credentials !== undefined && { authorization: `Bearer ${credentials}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text === "" ? undefined : (JSON.parse(text) as unknown),
  };
}

/** installationToken gets a token over REST. */
export async function installationToken(sim: GitHubSim, installation: Installation, body: unknown = {}): Promise<string> {
  const reply = await call(sim, "POST", `/app/installations/${installation.id}/access_tokens`, appJwt(sim), body);
  if (reply.status !== 201) throw new Error(`no token: ${reply.text}`);
  return reply.body.token as string;
}

/** Received is one webhook as a receiver saw it. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- payloads of many shapes, read field by field in assertions
  readonly payload: any;
}

/** Receiver is a webhook endpoint whose answer a test chooses. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** Answered to the next deliveries. */
  status: number;
}

/** startReceiver starts a webhook endpoint. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((raw) => {
      received.push({ headers: request.headers, raw, payload: JSON.parse(raw) as unknown });
      response.writeHead(receiver.status, { "content-type": "application/json" });
      response.end('{"outcome":"stored"}');
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    received,
    status: 202,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return receiver;
}
