import type { IncomingMessage } from "node:http";

/** Answer is a finished answer before it is written: faults and validation work on this. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, where bigints become plain integers; undefined is an empty body. */
  readonly body?: unknown;
}

/** The simulator is driven by small requests; more than this is a mistake of the caller. */
const bodyLimit = 5 * 1024 * 1024;

/** readBody reads a request's body. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > bodyLimit) throw new Error("request body over 5 MiB");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** toJson writes delivery ids beyond 2^53 as the plain integers that they are at GitHub. */
export function toJson(value: unknown): string {
  // In V8 for years, in TypeScript's library not yet.
  const json = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? json.rawJSON(item.toString()) : item));
}

/** parseJson returns undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
