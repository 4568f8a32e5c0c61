import type { Readable } from "node:stream";
import type { Logger } from "../telemetry/log.ts";
import { Deadline, sleep } from "./abort.ts";
import { type ApiError, isApiError, refusal, unreachable } from "./api-error.ts";
import { Credentials, loadKubeConfig, type Transport } from "./credentials.ts";
import type { KubeMetrics } from "./metrics.ts";

/** ClusterOptions says which API server is meant. */
export interface ClusterOptions {
  /** A kubeconfig file; absent means KUBECONFIG, ~/.kube/config or the pod's service account, as kubectl does. */
  readonly kubeconfig?: string;
  /** A context of the kubeconfig; absent means its current one. */
  readonly context?: string;
  readonly log: Logger;
  readonly metrics: KubeMetrics;
  readonly userAgent?: string;
}

/** Call is one request to the API server. */
export interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** Time for the whole call, retries included; 10 s unless told. For a watch: time until it is open. */
  readonly timeoutMs?: number | undefined;
  /** Never waits behind other calls for a connection: see CallOptions. */
  readonly urgent?: boolean | undefined;
  /** What errors say was being done: "get widgets a/b". */
  readonly doing: string;
  /** Whether an error may quote the server's message; false for kinds whose content is secret. */
  readonly quote?: boolean;
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Readable & { json(): Promise<unknown>; text(): Promise<string>; dump(): Promise<void> };
}

const defaultTimeoutMs = 10_000;
const maxThrottleRetries = 5;

/** Cluster is the connection to one API server: authentication, keep-alive, a deadline for each call, one retry policy, metrics. */
export class Cluster {
  readonly #credentials: Credentials;
  readonly #metrics: KubeMetrics;
  readonly #log: Logger;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #host: string;
  readonly #userAgent: string;

  /** load reads the kubeconfig; it opens no connection yet. */
  static load(options: ClusterOptions): Cluster {
    return new Cluster(options);
  }

  private constructor(options: ClusterOptions) {
    const config = loadKubeConfig(options.kubeconfig, options.context);
    const server = new URL(config.getCurrentCluster()?.server ?? "");
    this.#credentials = new Credentials(config);
    this.#metrics = options.metrics;
    this.#log = options.log;
    this.#origin = server.origin;
    this.#prefix = server.pathname.replace(/\/+$/, "");
    this.#host = server.host;
    this.#userAgent = options.userAgent ?? "kube-typescript";
  }

  /** server is the API server's address. */
  get server(): string {
    return this.#origin + this.#prefix;
  }

  /** close drops all connections; calls in hand fail. */
  async close(): Promise<void> {
    await this.#credentials.close();
  }

  /**
   * call sends a request and returns the decoded body. A 429 with Retry-After is waited for and sent again, as long
   * as the deadline allows; nothing else is retried here, because callers know better what a repetition means.
   * @throws ApiError, or the signal's reason when the signal aborts.
   */
  async call(call: Call): Promise<unknown> {
    const timeoutMs = call.timeoutMs ?? defaultTimeoutMs;
    const startedAt = performance.now();
    const deadline = new Deadline(timeoutMs, call.signal);
    try {
      for (let retries = 0; ; retries++) {
        const answer = await this.#send(call, call.urgent === true ? "direct" : "calls", deadline.signal);
        if (answer.statusCode < 300) return await answer.body.json();
        const error = await refusedBy(answer, call);
        const leftMs = timeoutMs - (performance.now() - startedAt);
        const waitMs = error.status === 429 ? error.retryAfterMs : undefined;
        if (waitMs === undefined || waitMs >= leftMs || retries === maxThrottleRetries) throw error;
        this.#log.debug({ doing: call.doing, waitMs }, "throttled by the API server");
        await sleep(waitMs, deadline.signal);
      }
    } catch (error) {
      throw this.#translate(error, call, deadline, timeoutMs);
    } finally {
      deadline.dispose();
      this.#metrics.answered(call.method, (performance.now() - startedAt) / 1_000);
    }
  }

  /**
   * watch opens a stream of the response's bytes. Its deadline covers the opening alone; afterwards the signal ends it.
   * @throws ApiError, or the signal's reason when the signal aborts.
   */
  async watch(call: Call): Promise<Readable> {
    const timeoutMs = call.timeoutMs ?? defaultTimeoutMs;
    const deadline = new Deadline(timeoutMs, call.signal);
    // The stream outlives the deadline, so it hangs on a signal of its own, which the deadline aborts only while opening.
    const opening = new AbortController();
    const abort = (): void => opening.abort(deadline.signal.reason);
    deadline.signal.addEventListener("abort", abort, { once: true });
    try {
      const answer = await this.#send(call, "direct", opening.signal);
      if (answer.statusCode >= 300) throw await refusedBy(answer, call);
      // Destroying the stream, which every way out of its consumer does, closes the connection.
      return answer.body;
    } catch (error) {
      throw this.#translate(error, call, deadline, timeoutMs);
    } finally {
      deadline.signal.removeEventListener("abort", abort);
      deadline.dispose();
    }
  }

  async #send(call: Call, kind: "calls" | "direct", signal: AbortSignal): Promise<Answer> {
    let transport = await untilAborted(this.#credentials.current(), signal);
    let answer = await this.#once(call, transport, kind, signal);
    if (answer.statusCode === 401) {
      // A token that was rotated or revoked before its time; a 401 means that nothing was done, so sending again is safe.
      this.#credentials.rejected(transport);
      const fresh = await untilAborted(this.#credentials.current(), signal);
      if (fresh.headers["authorization"] !== transport.headers["authorization"]) {
        await answer.body.dump();
        transport = fresh;
        answer = await this.#once(call, transport, kind, signal);
      }
    }
    return answer;
  }

  async #once(call: Call, transport: Transport, kind: "calls" | "direct", signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    let code = "<error>";
    try {
      const answer = await transport[kind].request({
        origin: this.#origin,
        path: this.#prefix + call.path + queryText(call.query),
        method: call.method,
        headers: {
          ...transport.headers,
          accept: "application/json",
          "user-agent": this.#userAgent,
          ...(call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal,
      });
      code = String(answer.statusCode);
      return answer;
    } finally {
      this.#metrics.requested(code, call.method, this.#host);
    }
  }

  #translate(error: unknown, call: Call, deadline: Deadline, timeoutMs: number): unknown {
    if (isApiError(error)) return error;
    if (deadline.passed) return unreachable(call.doing, `nothing came within ${timeoutMs} ms`);
    if (call.signal?.aborted === true) return call.signal.reason;
    return unreachable(call.doing, causeText(error), error);
  }
}

async function refusedBy(answer: Answer, call: Call): Promise<ApiError> {
  const text = await answer.body.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Not from the API server but from something before it: the status says enough.
  }
  const retryAfter = answer.headers["retry-after"];
  return refusal({
    status: answer.statusCode,
    retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
    body,
    doing: call.doing,
    quote: call.quote ?? true,
  });
}

// An exec plugin that never answers must not hold a call beyond its deadline.
function untilAborted<T>(value: T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  if (!(value instanceof Promise)) return value;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function queryText(query: Call["query"]): string {
  if (query === undefined) return "";
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  // An AggregateError (all addresses of a name refused) has an empty message.
  return [code, error.message].filter((part) => part !== undefined && part !== "").join(" ");
}
