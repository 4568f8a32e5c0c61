import type { Readable } from "node:stream";
import { Deadline } from "./abort.ts";
import { ApiError, refusal, unreachable } from "./api-error.ts";
import type { KubeObject } from "./object.ts";

/** WatchEvent is one change, or a bookmark: "nothing relevant happened up to this version". */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** DecodeError is a watch stream that is not what a watch stream looks like. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** IdleError is a watch on which nothing came, not even a bookmark: a connection that died without a word. */
export class IdleError extends Error {
  override readonly name = "IdleError";
}

const newline = 0x0a;
// etcd stores at most 1.5 MiB per object; JSON with managedFields may be somewhat more than what is stored.
const maxLineBytes = 16 * 1024 * 1024;

/** splitLines cuts a byte stream at newlines, without copying a line that came in one piece. */
export async function* splitLines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let pieceBytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      if (pieceBytes === 0) {
        yield chunk.toString("utf8", start, end);
      } else {
        pieces.push(chunk.subarray(start, end));
        yield Buffer.concat(pieces).toString("utf8");
        pieces = [];
        pieceBytes = 0;
      }
      start = end + 1;
    }
    if (start < chunk.length) {
      pieces.push(start === 0 ? chunk : chunk.subarray(start));
      pieceBytes += chunk.length - start;
      if (pieceBytes > maxLineBytes) throw new DecodeError(`a watch event is larger than ${maxLineBytes} bytes`);
    }
  }
  // What is left is half an event of a cut connection: the next watch, from the last whole event, brings it again.
}

/** ReadWatchOptions are what readWatch needs to know besides the stream. */
export interface ReadWatchOptions {
  readonly doing: string;
  readonly quote: boolean;
  readonly idleTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * readWatch decodes a watch response. It returns when the server ends the watch in good order.
 * @throws ApiError for an ERROR event (status 410, reason Expired: list again), IdleError, DecodeError, or the signal's reason.
 */
export async function* readWatch<T extends KubeObject>(
  stream: Readable,
  options: ReadWatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const idle = new Deadline(options.idleTimeoutMs, options.signal);
  const abort = (): void => void stream.destroy();
  const onBytes = (): void => idle.restart();
  // Destroyed before its end, a response reports that as an error, also when nobody iterates over it any more.
  stream.on("error", () => undefined);
  idle.signal.addEventListener("abort", abort, { once: true });
  if (idle.signal.aborted) abort();
  try {
    for await (const line of splitLines(tapped(stream, onBytes))) {
      if (line !== "") yield decode<T>(line, options);
    }
    // A stream destroyed without an error ends its iteration in silence.
    idle.signal.throwIfAborted();
  } catch (error) {
    if (idle.passed) throw new IdleError(`${options.doing}: nothing came for ${options.idleTimeoutMs} ms`);
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (error instanceof DecodeError || error instanceof ApiError) throw error;
    throw unreachable(options.doing, error instanceof Error ? error.message : String(error), error);
  } finally {
    idle.signal.removeEventListener("abort", abort);
    idle.dispose();
    stream.destroy();
  }
}

async function* tapped(stream: AsyncIterable<Buffer>, onBytes: () => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    onBytes();
    yield chunk;
  }
}

interface RawEvent {
  readonly type: string;
  readonly object: KubeObject & { readonly code?: number };
}

function decode<T extends KubeObject>(line: string, options: ReadWatchOptions): WatchEvent<T> {
  let event: RawEvent;
  try {
    event = JSON.parse(line) as RawEvent;
  } catch (error) {
    throw new DecodeError(`${options.doing}: an event is not JSON`, { cause: error });
  }
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return event as unknown as WatchEvent<T>;
    case "BOOKMARK":
      return { type: "BOOKMARK", resourceVersion: event.object.metadata.resourceVersion ?? "" };
    case "ERROR":
      throw refusal({ status: event.object.code ?? 500, body: event.object, doing: options.doing, quote: options.quote });
    default:
      throw new DecodeError(`${options.doing}: an event has the unknown type ${JSON.stringify(event.type)}`);
  }
}
