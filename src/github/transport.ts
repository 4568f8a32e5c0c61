import { Octokit } from "@octokit/core";
import { type Dispatcher, type RequestInit, type Response, fetch } from "undici";

/** GitHubRequest is Octokit's `request`: a route of GitHub's OpenAPI description gives the types of its parameters and its answer. */
export type GitHubRequest = Octokit["request"];

/** Send makes one request; it gets a GitHubRequest that already carries authorization, deadline and address. */
export type Send<T> = (request: GitHubRequest) => Promise<{ readonly status: number; readonly data: T }>;

/** AnswerHeaders are the headers that decisions hang on. */
export interface AnswerHeaders {
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
  readonly rateLimit:
    | { readonly limit: number; readonly remaining: number; readonly resetSeconds: number; readonly resource: string }
    | undefined;
  /** The Link header, which says where the next page is. */
  readonly link?: string | undefined;
  readonly acceptedPermissions: string | undefined;
  readonly requestId: string | undefined;
}

/** Answer is what GitHub said: data with a 2xx, otherwise the status. The body of a refusal is not kept. */
export type Answer<T> =
  | { readonly ok: true; readonly status: number; readonly headers: AnswerHeaders; readonly data: T }
  | { readonly ok: false; readonly status: number; readonly headers: AnswerHeaders; readonly saysRateLimit: boolean };

/** BrokenExchange is thrown when no answer arrived whole: the outcome is unknown. `reason` may hold secrets; scrub it. */
export class BrokenExchange extends Error {
  override readonly name = "BrokenExchange";
  readonly #reason: unknown;

  constructor(reason: unknown) {
    super("no complete answer");
    this.#reason = reason;
  }

  get reason(): unknown {
    return this.#reason;
  }
}

/** Transport sends single requests to one GitHub host. It retries nothing. */
export interface Transport {
  send<T>(authorization: string, send: Send<T>, signal: AbortSignal): Promise<Answer<T>>;
  /** Lets requests under way finish, then closes the connections. */
  close(): Promise<void>;
}

const mute = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * createTransport builds the transport on Octokit's request, for its typed routes. The fetch below stands in for its error handling:
 * Octokit reports a network failure as status 500, takes a body that breaks off for an empty success, and its errors carry the
 * Authorization header's request and the whole body, so they are dropped here and never leave this file.
 */
export function createTransport(options: { baseUrl: string; dispatcher: Dispatcher; userAgent: string }): Transport {
  const octokit = new Octokit({ baseUrl: options.baseUrl, userAgent: options.userAgent, log: mute });
  return {
    async send(authorization, send, signal) {
      let seen: { status: number; headers: AnswerHeaders; saysRateLimit: boolean } | undefined;
      let broken: BrokenExchange | undefined;
      const tappedFetch = async (url: string, init: RequestInit) => {
        try {
          const response = await fetch(url, { ...init, signal, dispatcher: options.dispatcher });
          const body = await textOf(response);
          seen = {
            status: response.status,
            headers: readHeaders(response.headers),
            saysRateLimit: response.status >= 400 && mentionsRateLimit(body),
          };
          return { status: response.status, url: response.url, headers: response.headers, text: () => Promise.resolve(body) };
        } catch (error) {
          broken = new BrokenExchange(error);
          throw broken;
        }
      };
      const request = octokit.request.defaults({
        headers: { authorization, "x-github-api-version": "2022-11-28" },
        request: { fetch: tappedFetch, log: mute },
      }) as GitHubRequest;
      try {
        const { data } = await send(request);
        if (seen === undefined) throw new TypeError("the call sent no request");
        // Redirects that lead nowhere come here, too.
        if (!isSuccess(seen.status)) return { ok: false, ...seen };
        if (seen.status !== 204 && (typeof data !== "object" || data === null))
          throw new BrokenExchange(new Error("the answer is not JSON"));
        return { ok: true, status: seen.status, headers: seen.headers, data };
      } catch (error) {
        if (broken !== undefined) throw broken;
        if (seen !== undefined && !isSuccess(seen.status)) return { ok: false, ...seen };
        throw error instanceof BrokenExchange ? error : new BrokenExchange(error);
      }
    },
    close: () => options.dispatcher.close(),
  };
}

/** GitHub's largest answers, pages of a hundred runs, have some hundred KB. */
const maxAnswerBytes = 16 << 20;

/**
 * textOf reads an answer to its end, but for one that is too long. The dispatcher's own limit counts what comes over the wire, and a
 * compressed answer of a server that somebody names in apiUrl may be a thousand times as long.
 */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) throw new Error(`the answer has more than ${maxAnswerBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** mentionsRateLimit recognises a limit that came without headers: GitHub then says it in the body alone. */
function mentionsRateLimit(body: string): boolean {
  return /rate limit exceeded|secondary rate limit|abuse detection/i.test(body.slice(0, 4_096));
}

function readHeaders(headers: { get(name: string): string | null }): AnswerHeaders {
  const text = (name: string): string | undefined => headers.get(name) ?? undefined;
  const whole = (name: string): number => {
    const value = headers.get(name);
    return value !== null && /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
  };
  const [limit, remaining, resetSeconds] = [
    whole("x-ratelimit-limit"),
    whole("x-ratelimit-remaining"),
    whole("x-ratelimit-reset"),
  ];
  const resource = text("x-ratelimit-resource") ?? "core";
  const complete =
    Number.isFinite(limit) && Number.isFinite(remaining) && Number.isFinite(resetSeconds) && /^\w{1,64}$/.test(resource);
  const accepted = text("x-accepted-github-permissions");
  return {
    date: text("date"),
    retryAfter: text("retry-after"),
    link: text("link"),
    rateLimit: complete ? { limit, remaining, resetSeconds, resource } : undefined,
    // Header texts end up in messages for people: only what looks like a permission list passes.
    acceptedPermissions: accepted !== undefined && /^[\w=,; ]{1,120}$/.test(accepted) ? accepted : undefined,
    requestId: text("x-github-request-id")
      ?.replace(/[^\w:-]/g, "")
      .slice(0, 64),
  };
}
