import { readFileSync } from "node:fs";
import { request } from "node:https";

/** ApiTarget is an API server and how to be admitted to it. */
export interface ApiTarget {
  readonly server: string;
  /** A PEM file. */
  readonly certificateAuthorityFile: string;
  /** Absent: as an anonymous user, who may read /readyz. */
  readonly token?: string;
}

/** ApiAnswer is a status and the text that came with it. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** apiRequest makes one call with a JSON body (a merge patch, for PATCH) or none; network failures and the time limit reject. */
export function apiRequest(
  target: ApiTarget,
  call: { method?: string; path: string; body?: unknown; timeoutMs?: number },
): Promise<ApiAnswer> {
  const { method = "GET", path, body, timeoutMs = 10_000 } = call;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, target.server),
      {
        method,
        // A connection of its own: after a restart of the server a pooled one would be dead.
        agent: false,
        ca: readFileSync(target.certificateAuthorityFile),
        headers: {
          ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
          ...(body === undefined
            ? {}
            : { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json" }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
