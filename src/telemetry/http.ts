import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ConnectionWatch, createGuardedServer } from "../util/guarded-server.ts";
import type { Logger } from "./log.ts";
import type { Registry } from "./metrics.ts";

/** TelemetryServerOptions says where the server listens and whom it asks. */
export interface TelemetryServerOptions {
  readonly port: number;
  readonly host?: string;
  readonly registry: Registry;
  /** Whether /readyz answers 200. */
  readonly ready: () => boolean;
  readonly log: Logger;
  /** Hears of connections that come, go and are dropped. */
  readonly watch?: ConnectionWatch;
}

/** Probes, a few Prometheus servers, a person. */
const maxConnections = 100;
/** Requests that are in hand at a stop: a client that is slow must not hold the process up. */
const drainMs = 2_000;
/** A page of metrics costs milliseconds of the only thread: so many are made at once, and one more each period, whoever asks how often. */
const freshPages = 20;
const freshPageEveryMs = 250;

/** TelemetryServer serves /metrics, /healthz (the event loop turns) and /readyz (the process can do its work). */
export class TelemetryServer {
  readonly name = "telemetry";
  /** Settles when the server listens; never rejects, because run() reports a port that is taken. */
  readonly ready: Promise<void>;
  readonly #options: TelemetryServerOptions;
  readonly #server: Server;
  readonly #listening = Promise.withResolvers<void>();
  // The newest page, also while it is being made, and how many more may be made right now.
  #page: Promise<string> | undefined;
  #pagesLeft = freshPages;
  #countedAt = performance.now();

  constructor(options: TelemetryServerOptions) {
    this.#options = options;
    this.ready = this.#listening.promise;
    this.#server = createGuardedServer(
      { maxConnections, ...(options.watch !== undefined && { watch: options.watch }) },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          this.#options.log.error({ err: error }, "telemetry request failed");
          response.destroy();
        });
      },
    );
  }

  /** address is where the server listens: of use when the port was 0. */
  get address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the telemetry server is not listening yet");
    return address;
  }

  /** run listens until the signal aborts, then lets the requests in hand finish, if they do so soon. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const closed = Promise.withResolvers<void>();
    let cut: NodeJS.Timeout | undefined;
    const stop = (): void => {
      this.#server.close(() => closed.resolve());
      this.#server.closeIdleConnections();
      cut = setTimeout(() => this.#server.closeAllConnections(), drainMs);
    };
    this.#server.once("error", closed.reject);
    this.#server.listen(this.#options.port, this.#options.host, () => {
      this.#options.log.info({ port: this.address.port }, "serving metrics and probes");
      this.#listening.resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
    try {
      await closed.promise;
    } finally {
      clearTimeout(cut);
      signal.removeEventListener("abort", stop);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, socket } = request;
    // Nobody has a reason to send a body, and one without an end would be read for as long as a request may take.
    if ((headers["content-length"] ?? "0") !== "0" || headers["transfer-encoding"] !== undefined) {
      response.setHeader("connection", "close");
      response.once("finish", () => socket.destroySoon());
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      send(response, 405, "only GET is served here\n", { allow: "GET, HEAD" });
      return;
    }
    const path: string = request.url?.split("?", 1)[0] ?? "/";
    switch (path) {
      case "/metrics":
        send(response, 200, await this.#metrics(), { "content-type": this.#options.registry.contentType });
        return;
      case "/healthz":
        send(response, 200, "ok\n");
        return;
      case "/readyz":
        if (this.#options.ready()) send(response, 200, "ok\n");
        else send(response, 503, "not ready\n");
        return;
      default:
        send(response, 404, "not found; try /metrics, /healthz or /readyz\n");
    }
  }

  /** The last page again for those who ask without pause; everybody else gets a fresh one. */
  #metrics(): Promise<string> {
    const now = performance.now();
    this.#pagesLeft = Math.min(freshPages, this.#pagesLeft + (now - this.#countedAt) / freshPageEveryMs);
    this.#countedAt = now;
    if (this.#page === undefined || this.#pagesLeft >= 1) {
      this.#pagesLeft -= 1;
      this.#page = this.#options.registry.metrics();
    }
    return this.#page;
  }
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
