/** Incoming is one request, as far as the wire protocol matters. */
export interface Incoming {
  readonly target: string;
  readonly authorization: string;
  readonly sdkRequest: string;
  readonly body: string;
  /** Aborted when the client gives up. */
  readonly signal: AbortSignal;
}

/** Reply is what goes out; `cut` closes the connection instead. */
export type Reply =
  | { readonly kind: "json"; readonly status: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: "html"; readonly status: number }
  | { readonly kind: "cut" };

/** Scope is what a Signature Version 4 header says about its signer. */
export interface Scope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

/** credentialScope reads the scope of a Signature Version 4 header. The signature itself is not verified. */
export function credentialScope(authorization: string): Scope | undefined {
  const match = /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request\b/.exec(authorization);
  return match === null ? undefined : { accessKeyId: match[1] ?? "", region: match[2] ?? "", service: match[3] ?? "" };
}

/** aborted resolves once a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) {
    resolve();
  }
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

/** pause waits for some time, or until the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, aborted(signal)]);
  clearTimeout(timer);
}
