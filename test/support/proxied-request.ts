/** RequestMatch selects requests; what is absent matches all. */
export interface RequestMatch {
  readonly method?: string | RegExp;
  /** Tested against path and query. */
  readonly path?: RegExp;
  readonly watch?: boolean;
}

/** ProxiedRequest is one request that a client sent to a FaultProxy. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly watch: boolean;
  /** What the client was answered: absent while it waits, and for ever if its connection was cut. */
  readonly status?: number;
  /** Whether the API server got it. */
  readonly forwarded: boolean;
  /** Whether it is over: answered in full, cut, or given up by the client. */
  readonly ended: boolean;
}

/** OpenRequest is one that the proxy still writes to. */
export type OpenRequest = { -readonly [K in keyof ProxiedRequest]: ProxiedRequest[K] };

/** openRequest describes a request that just came in. */
export function openRequest(method: string, path: string): OpenRequest {
  const watch = /[?&]watch=(true|1)(&|$)/.test(path);
  return { method, path, watch, forwarded: false, ended: false };
}

/** matches tells whether a request is one of those selected. */
export function matches(match: RequestMatch, request: ProxiedRequest): boolean {
  const { method } = match;
  if (method !== undefined && !(typeof method === "string" ? method === request.method : method.test(request.method)))
    return false;
  if (match.path !== undefined && !match.path.test(request.path)) return false;
  return match.watch === undefined || match.watch === request.watch;
}
