import type { IncomingMessage } from "node:http";

/** Body is a request's body, or why it could not be read. */
export type Body =
  | { readonly state: "read"; readonly bytes: Buffer; release(): void }
  /** It exceeds the limit. */
  | { readonly state: "tooLarge" }
  /** It did not come in time. */
  | { readonly state: "tooSlow" }
  /** Too much is being read for other requests. */
  | { readonly state: "busy" }
  /** It came in so many small pieces that reading on would cost more than it is worth: its connection was ended. */
  | { readonly state: "crumbs" }
  /** The client left. */
  | { readonly state: "gone" };

/** BodyLimits are what bodies may take, in bytes. */
export interface BodyLimits {
  readonly maxBytes: number;
  /**
   * What every body may take without being counted: enough for any honest delivery that asks for a runner, so that a few senders of large
   * bodies cannot keep it out. The number of connections bounds it.
   */
  readonly uncountedBytes: number;
  /** What all bodies together may take beyond that. */
  readonly maxTotalBytes: number;
}

/** Each piece costs the same, however small: so many are taken of any body, and one more for each of these bytes. */
const piecesOfAny = 1_000;
const bytesOfPiece = 256;

/**
 * BodyReader reads bodies within limits. It counts while it reads: a length that a header announces is only ever a reason to
 * refuse sooner. What it counts is memory that it holds, so bodies are collected in one buffer each: a list of the pieces would take a
 * hundred times their size when they come byte by byte.
 */
export class BodyReader {
  readonly #limits: BodyLimits;
  // Of all bodies that were taken and not released: strangers send these, before any signature is checked.
  #held = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** read takes a body; `release` gives its share of the memory back. The signal is the time that the client has. */
  read(request: IncomingMessage, signal: AbortSignal): Promise<Body> {
    const { maxBytes, maxTotalBytes } = this.#limits;
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced > maxBytes) return Promise.resolve({ state: "tooLarge" });
    if (this.#counted(announced) > maxTotalBytes - this.#held) return Promise.resolve({ state: "busy" });
    return new Promise((resolve) => {
      let buffer: Buffer = Buffer.alloc(0);
      let size = 0;
      let counted = 0;
      let pieces = 0;
      const count = (capacity: number): void => {
        this.#held += this.#counted(capacity) - counted;
        counted = this.#counted(capacity);
      };
      const release = (): void => count(0);
      const settle = (body: Body): void => {
        request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
        signal.removeEventListener("abort", onAbort);
        if (body.state !== "read") {
          request.pause();
          release();
        }
        resolve(body);
      };
      const onData = (chunk: Buffer): void => {
        const needed = size + chunk.length;
        pieces += 1;
        if (pieces > piecesOfAny + needed / bytesOfPiece) {
          settle({ state: "crumbs" });
          request.destroy();
          return;
        }
        if (needed > maxBytes) return settle({ state: "tooLarge" });
        if (needed > buffer.length) {
          const capacity = Math.min(
            Math.max(2 * buffer.length, needed),
            announced === 0 ? maxBytes : Math.max(announced, needed),
          );
          count(capacity);
          if (this.#held > maxTotalBytes) return settle({ state: "busy" });
          const larger = Buffer.allocUnsafeSlow(capacity);
          buffer.copy(larger, 0, 0, size);
          buffer = larger;
        }
        chunk.copy(buffer, size);
        size = needed;
      };
      const onEnd = (): void => settle({ state: "read", bytes: buffer.subarray(0, size), release });
      const onClose = (): void => settle({ state: "gone" });
      const onAbort = (): void => settle({ state: "tooSlow" });
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    });
  }

  #counted(bytes: number): number {
    return Math.max(0, bytes - this.#limits.uncountedBytes);
  }
}
