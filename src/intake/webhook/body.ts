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
  /** The client left. */
  | { readonly state: "gone" };

/**
 * BodyReader reads bodies within limits. It counts while it reads: a length that a header announces is only ever a reason to
 * refuse sooner.
 */
export class BodyReader {
  readonly #maxBytes: number;
  readonly #maxTotalBytes: number;
  // Bytes of all bodies that were taken and not released: strangers send these, before any signature is checked.
  #held = 0;

  constructor(options: { readonly maxBytes: number; readonly maxTotalBytes: number }) {
    this.#maxBytes = options.maxBytes;
    this.#maxTotalBytes = options.maxTotalBytes;
  }

  /** read takes a body; `release` gives its share of the memory back. The signal is the time that the client has. */
  read(request: IncomingMessage, signal: AbortSignal): Promise<Body> {
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced > this.#maxBytes) return Promise.resolve({ state: "tooLarge" });
    if (announced > this.#maxTotalBytes - this.#held) return Promise.resolve({ state: "busy" });
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const release = (): void => {
        this.#held -= size;
        size = 0;
      };
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
        size += chunk.length;
        this.#held += chunk.length;
        chunks.push(chunk);
        if (size > this.#maxBytes) settle({ state: "tooLarge" });
        else if (this.#held > this.#maxTotalBytes) settle({ state: "busy" });
      };
      const onEnd = (): void => settle({ state: "read", bytes: Buffer.concat(chunks), release });
      const onClose = (): void => settle({ state: "gone" });
      const onAbort = (): void => settle({ state: "tooSlow" });
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    });
  }
}
