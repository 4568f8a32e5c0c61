import { readFileSync } from "node:fs";
import { Pool } from "undici";
import { parse } from "yaml";

/** RawApi speaks to the API server with nothing in between: the ceiling that everything else is compared with. */
export interface RawApi {
  /** @throws Error when the API server refuses. */
  send(method: "POST" | "PATCH" | "DELETE" | "GET", path: string, body?: unknown): Promise<string>;
  close(): Promise<void>;
}

/** rawApi opens as many connections as are used at a time, and keeps them. */
export function rawApi(kubeconfig: string, token: string, connections: number): RawApi {
  const config = parse(readFileSync(kubeconfig, "utf8")) as {
    clusters: { cluster: { server: string; "certificate-authority"?: string; "certificate-authority-data"?: string } }[];
  };
  const cluster = config.clusters[0]?.cluster;
  if (cluster === undefined) throw new Error(`${kubeconfig} names no cluster`);
  const data = cluster["certificate-authority-data"];
  const ca = data === undefined ? readFileSync(cluster["certificate-authority"] ?? "") : Buffer.from(data, "base64");
  const pool = new Pool(cluster.server, { connections, pipelining: 1, connect: { ca } });
  return {
    async send(method, path, body) {
      const { statusCode, body: answer } = await pool.request({
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.text();
      if (statusCode >= 300) throw new Error(`${method} ${path}: ${statusCode} ${text.slice(0, 300)}`);
      return text;
    },
    close: () => pool.close(),
  };
}

/** inParallel runs work for the numbers below `count`, so many at a time, and returns how many milliseconds it took. */
export async function inParallel(count: number, concurrency: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
  return performance.now() - startedAt;
}
