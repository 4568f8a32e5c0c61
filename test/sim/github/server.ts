import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fault, Faults, Hit } from "./faults.ts";
import { type Answer, readBody, toJson } from "./http.ts";
import type { RouteClass } from "./options.ts";
import type { Recorder } from "./recorder.ts";
import type { World } from "./state/world.ts";

/** Inbound is one request, read whole. */
export interface Inbound {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Aborts when the caller goes away. */
  readonly gone: AbortSignal;
}

/** Outbound is an answer with what the records want to know. */
export interface Outbound extends Answer {
  readonly operation: string;
  readonly caller: string | undefined;
}

/** Part serves one area of the URL space. Only parts of GitHub suffer faults and latencies; the control surface never does. */
export interface Part {
  readonly matches: (path: string) => boolean;
  readonly serve: (request: Inbound) => Outbound | Promise<Outbound>;
  readonly isGitHub: boolean;
  readonly latency: (request: Inbound) => RouteClass;
}

/** SimServer is the HTTP side: it reads, lets a part answer, and hurts the answer as the planted faults want. */
export class SimServer {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #recorder: Recorder;
  readonly #parts: readonly Part[];
  readonly #server: Server;

  constructor(world: World, faults: Faults, recorder: Recorder, parts: readonly Part[]) {
    this.#world = world;
    this.#faults = faults;
    this.#recorder = recorder;
    this.#parts = parts;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        // A mistake of the simulator must be loud: the test that caused it sees the reason.
        this.#recorder.violations.push({
          kind: "response",
          method: request.method ?? "",
          path: request.url ?? "",
          operationId: undefined,
          errors: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
        });
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    });
    this.#server.keepAliveTimeout = 30_000;
  }

  async listen(port: number, host: string): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    const address = this.#server.address() as AddressInfo;
    const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${["0.0.0.0", "[::]"].includes(shown) ? "127.0.0.1" : shown}:${address.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = Date.now();
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const url = new URL(request.url ?? "/", "http://sim");
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
    );
    // GitHub Enterprise Server's prefix; and the permanent address of a renamed repository.
    const path = this.#byId(url.pathname.replace(/^\/api\/v3(?=\/|$)/, "") || "/");
    const body = await readBody(request).catch((error: unknown) => {
      if (request.readableAborted) return undefined;
      throw error;
    });
    // The caller died in the middle of its request, which is nobody's mistake.
    if (body === undefined) return;
    const inbound: Inbound = {
      method: request.method ?? "GET",
      path,
      query: url.search.slice(1),
      headers,
      body,
      gone: gone.signal,
    };
    const part = this.#parts.find((candidate) => candidate.matches(path));
    if (!part) throw new Error(`no part serves ${path}`);
    if (!part.isGitHub) {
      const answer = await part.serve(inbound);
      return this.#write(response, answer, toJson(answer.body ?? null));
    }
    this.#recorder.opened();
    try {
      await this.#serve(part, inbound, response, started);
    } finally {
      this.#recorder.closed();
    }
  }

  async #serve(part: Part, inbound: Inbound, response: ServerResponse, started: number): Promise<void> {
    const latency = this.#world.settings.latencyMs[part.latency(inbound)];
    if (latency) await pause(latency, inbound.gone);
    const hit = this.#faults.pick(inbound.method, inbound.path);
    const fault = hit?.fault;
    const answer = await this.#act(part, inbound, hit);
    const text = answer.body === undefined ? "" : toJson(answer.body);
    const silent = fault !== undefined && silentKinds.has(fault.kind);
    this.#recorder.add({
      at: this.#world.now(),
      method: inbound.method,
      path: inbound.path,
      operation: answer.operation,
      status: silent ? 0 : answer.status,
      caller: answer.caller,
      durationMs: Date.now() - started,
      fault: fault?.kind,
      requestBody: inbound.body,
      responseBody: text,
    });
    // The caller's deadline is what ends a hang, or the end of the simulator.
    if (fault?.kind === "hang") return;
    if (silent) return void response.socket?.resetAndDestroy();
    const dated = { ...answer, headers: { ...answer.headers, date: new Date(this.#world.now()).toUTCString() } };
    if (fault?.kind === "slow-body") return this.#writeSlowly(response, dated, text, fault.ms ?? 1_000, inbound.gone);
    this.#write(response, dated, text);
  }

  /**
   * What GitHub does and answers under a fault. A request that was held or delayed acts although its caller may have given up
   * meanwhile: that is how a client's timeout and GitHub's success come together.
   */
  async #act(part: Part, inbound: Inbound, hit: Hit | undefined): Promise<Outbound> {
    if (!hit) return part.serve(inbound);
    const { fault } = hit;
    if (fault.kind === "delay") await pause(fault.ms ?? 1_000, inbound.gone);
    if (fault.when === "after") {
      const answer = await part.serve(inbound);
      if (fault.kind === "hold") await hit.hold();
      return { ...answer, ...faultAnswer(fault) };
    }
    if (fault.kind === "hold") await hit.hold();
    if (fault.kind === "reset" || fault.kind === "hang") return unserved;
    const instead = faultAnswer(fault);
    return instead ? { ...unserved, ...instead } : part.serve(inbound);
  }

  #byId(path: string): string {
    const [, id, rest] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
    if (id === undefined) return path;
    const repository = [...this.#world.repositories.values()].find((candidate) => candidate.id === Number(id));
    return repository ? `/repos/${repository.owner.login}/${repository.name}${rest ?? ""}` : path;
  }

  #write(response: ServerResponse, answer: Answer, text: string): void {
    response.writeHead(answer.status, headersFor(answer, text));
    response.end(answer.body === undefined ? undefined : text);
  }

  async #writeSlowly(response: ServerResponse, answer: Answer, text: string, ms: number, gone: AbortSignal): Promise<void> {
    response.writeHead(answer.status, headersFor(answer, text));
    const half = Math.floor(text.length / 2);
    response.write(text.slice(0, half));
    await pause(ms, gone);
    response.end(text.slice(half));
  }
}

/** The caller never sees an answer. */
const silentKinds: ReadonlySet<Fault["kind"]> = new Set(["lost-answer", "reset", "hang"]);

const unserved: Outbound = { status: 0, operation: "faulted", caller: undefined };

function headersFor(answer: Answer, text: string): Record<string, string> {
  if (answer.body === undefined) return { ...answer.headers };
  return {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(text)),
    ...answer.headers,
  };
}

/** The answer that a fault puts in the place of GitHub's own. */
function faultAnswer(fault: Fault): Answer | undefined {
  if (fault.kind === "status") {
    const status = fault.status ?? 500;
    const headers = fault.headers ?? {};
    return {
      status,
      headers,
      body: fault.body ?? { message: status >= 500 ? "Server Error" : "Planted by a test", status: String(status) },
    };
  }
  if (fault.kind === "retry-after") {
    const status = fault.status ?? 429;
    const hint = fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) };
    return {
      status,
      headers: { ...hint, ...fault.headers },
      body: fault.body ?? {
        message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        documentation_url: "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api",
      },
    };
  }
  return undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
