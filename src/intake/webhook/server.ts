import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { aborted } from "../../kube/abort.ts";
import { background } from "../../kube/background.ts";
import type { Logger } from "../../telemetry/log.ts";
import { discardBody } from "../../util/discard-body.ts";
import { type ConnectionWatch, createGuardedServer } from "../../util/guarded-server.ts";
import { writeAnswer } from "./answer.ts";
import type { Apps } from "./apps.ts";
import type { Receiver } from "./receiver.ts";

/** WebhookServerOptions says where the server listens and who answers. */
export interface WebhookServerOptions {
  readonly receiver: Receiver;
  readonly apps: Apps;
  readonly port: number;
  readonly host?: string | undefined;
  readonly log: Logger;
  /** Hears of connections that come, go and are dropped. */
  readonly watch?: ConnectionWatch;
  /** 2,000 unless told. */
  readonly maxConnections?: number;
  /** How long deliveries in hand may take after the stop: 9 s unless told, since an answer is due within 8 s. */
  readonly drainMs?: number;
}

/**
 * GitHub sends each webhook of a burst on a connection of its own, so a matrix of a thousand jobs is a thousand at once: whom they turn
 * away is sent again by the sweep of deliveries only, minutes later. Each takes some kilobytes, and 32 KiB with a body. Node raises
 * its limit of descriptors to the hard one, which container runtimes leave at half a million or more.
 */
const defaultMaxConnections = 2_000;
/** Those that came and were not accepted yet: beyond Node's 511 the kernel drops them without a word, and they try again after a second. */
const backlog = 4_096;
/** After an answer to a body that was not read, the client may go on sending for this long: it hears the answer before the connection ends. */
const lingerMs = 2_000;

/** WebhookServer serves POST /webhook. */
export class WebhookServer {
  readonly name = "webhook";
  /** Settles when the server listens; never rejects, because run() reports a port that is taken. */
  readonly ready: Promise<void>;
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  readonly #listening = Promise.withResolvers<void>();
  // Aborts what is in hand: only once the time to drain is over.
  readonly #cut = new AbortController();
  #draining = false;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    this.ready = this.#listening.promise;
    this.#server = createGuardedServer(
      {
        maxConnections: options.maxConnections ?? defaultMaxConnections,
        ...(options.watch !== undefined && { watch: options.watch }),
      },
      (request, response) => background(this.#serve(request, response), options.log),
    );
  }

  /** address is where the server listens: of use when the port was 0. */
  get address(): AddressInfo {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the webhook server is not listening yet");
    return address;
  }

  /** run listens until the signal aborts; then it takes no more connections and lets the deliveries in hand finish. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const unfollow = this.#options.apps.follow();
    const failed = Promise.withResolvers<never>();
    const stop = aborted(signal);
    this.#server.once("error", failed.reject);
    const { port, host } = this.#options;
    this.#server.listen({ port, backlog, ...(host !== undefined && { host }) }, () => {
      this.#options.log.info({ port: this.address.port }, "serving webhooks");
      this.#listening.resolve();
    });
    try {
      await Promise.race([stop.promise, failed.promise]);
      await this.#drain();
    } finally {
      stop.dispose();
      unfollow();
    }
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    const timer = setTimeout(() => {
      this.#options.log.warn("deliveries in hand did not finish in time");
      this.#cut.abort(new DOMException("the server stops", "AbortError"));
      this.#server.closeAllConnections();
    }, this.#options.drainMs ?? 9_000);
    try {
      await new Promise<void>((resolve) => {
        this.#server.close(() => resolve());
        this.#server.closeIdleConnections();
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A connection that breaks shows in the request's own end; without a listener it would end the process.
    response.on("error", () => {});
    const answer = await this.#options.receiver.receive(request, this.#cut.signal);
    if (answer === "gone" || request.socket.destroyed) return;
    const unread = !request.complete;
    writeAnswer(response, answer, { close: unread || this.#draining });
    if (unread) await this.#linger(request);
    response.end();
  }

  /** Closing while the client still sends would reset the connection, and with it the answer that is on its way. */
  async #linger(request: IncomingMessage): Promise<void> {
    discardBody(request);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, lingerMs);
    request.once("end", resolve).once("close", resolve).once("error", resolve);
    await promise;
    clearTimeout(timer);
    if (!request.complete) request.destroy();
  }
}
