import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Settings } from "../options.ts";
import type { App } from "../state/model.ts";
import type { Event } from "./log.ts";

/** deliveryHeaders are the headers of one delivery; the signature covers the raw bytes and is absent without a secret. */
export function deliveryHeaders(event: Event, app: App, settings: Settings): Record<string, string> {
  const { secret } = app.hook;
  const sign = (hash: string) =>
    `${hash}=${createHmac(hash, secret ?? "")
      .update(event.body)
      .digest("hex")}`;
  return {
    Accept: "*/*",
    "Content-Type": "application/json",
    "User-Agent": "GitHub-Hookshot/sim",
    "X-GitHub-Delivery": event.guid,
    "X-GitHub-Event": event.name,
    "X-GitHub-Hook-ID": String(app.hook.id),
    "X-GitHub-Hook-Installation-Target-ID": String(app.id),
    "X-GitHub-Hook-Installation-Target-Type": "integration",
    ...(settings.enterpriseHost !== undefined && {
      "X-GitHub-Enterprise-Host": settings.enterpriseHost,
      "X-GitHub-Enterprise-Version": "3.19.0",
    }),
    ...(secret !== undefined && { "X-Hub-Signature": sign("sha1"), "X-Hub-Signature-256": sign("sha256") }),
  };
}

/** SendResult is what GitHub notes about an attempt. */
export interface SendResult {
  readonly status: string;
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** GitHub shows the beginning of the answer to the App's owner. */
const shownBody = 10_000;

/** post sends one delivery and never throws: whatever happens is a result. */
export function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  deadlineMs: number,
  abort: AbortSignal,
): Promise<SendResult> {
  return new Promise((resolve) => {
    const failed = (status: string, statusCode: number) => resolve({ status, statusCode, headers: {}, body: "" });
    if (!URL.canParse(url)) return failed("no webhook URL", 0);
    const signal = AbortSignal.any([abort, AbortSignal.timeout(deadlineMs)]);
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    // A fresh connection each time: a kept one to a receiver that was killed would fail for a reason GitHub does not have.
    const request = send(url, {
      method: "POST",
      agent: false,
      signal,
      headers: { ...headers, "Content-Length": String(Buffer.byteLength(body)) },
    });
    const onError = () => (signal.aborted ? failed("timed out", 504) : failed("failed to connect to host", 502));
    request.on("error", onError);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", onError);
      response.on("data", (chunk: string) => {
        if (text.length < shownBody) text += chunk;
      });
      response.on("end", () => {
        const statusCode = response.statusCode ?? 0;
        const ok = statusCode >= 200 && statusCode < 300;
        const plain = Object.entries(response.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(", ") : (value ?? ""),
        ]);
        resolve({
          status: ok ? "OK" : `Invalid HTTP Response: ${statusCode}`,
          statusCode,
          headers: Object.fromEntries(plain) as Record<string, string>,
          body: text.slice(0, shownBody),
        });
      });
    });
    request.end(body);
  });
}
