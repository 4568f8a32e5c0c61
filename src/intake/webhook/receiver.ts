import type { IncomingMessage } from "node:http";
import { Deadline } from "../../kube/abort.ts";
import type { Logger } from "../../telemetry/log.ts";
import { parsePayload, readEvent } from "../event.ts";
import type { Handler, Origin } from "../handler.ts";
import type { IntakeMetrics } from "../metrics.ts";
import { isStoreUnavailable } from "../store-unavailable.ts";
import { Sparingly } from "../../util/sparingly.ts";
import { type Answer, type AnswerKind, outcomeOf, statusOf } from "./answer.ts";
import type { Apps } from "./apps.ts";
import type { Body, BodyReader } from "./body.ts";
import { type DeliveryHeaders, readHeaders } from "./headers.ts";
import { signatureOf } from "./signature.ts";

/** ReceiverOptions are what a receiver works with. */
export interface ReceiverOptions {
  readonly apps: Apps;
  readonly handler: Handler;
  readonly bodies: BodyReader;
  /** Whether the caches hold everything: before that, nothing may be said not to exist. */
  readonly hasSynced: () => boolean;
  readonly log: Logger;
  readonly metrics: IntakeMetrics;
  /** When an answer is due, from the headers' arrival. GitHub waits for 10 s. */
  readonly answerWithinMs: number;
}

/** Result is an answer, or "gone" for a client that did not wait for one. */
export type Result = Answer | "gone";

/** Delivery is one request on the way to its answer. */
interface Delivery {
  readonly request: IncomingMessage;
  readonly headers: DeliveryHeaders;
  readonly log: Logger;
  /** Aborts when the answer is due. */
  readonly signal: AbortSignal;
  /** Read from the payload, so only known once the signature was verified. */
  action?: string | undefined;
  /** Why a signed delivery could not be stored: only the log may say it in full. */
  cause?: string;
}

/**
 * Receiver turns one request into one answer: which App, whose signature, what event, then whatever the event asks for. Each step
 * costs more than the one before it, and strangers get no further than the signature.
 */
export class Receiver {
  readonly #o: ReceiverOptions;
  // Refusals above debug, a line of each kind a minute: anybody can cause them at any rate, and the metrics count them.
  readonly #warnings = new Sparingly<AnswerKind>(60_000);

  constructor(options: ReceiverOptions) {
    this.#o = options;
  }

  /** receive answers a request. It never throws. */
  async receive(request: IncomingMessage, signal: AbortSignal): Promise<Result> {
    const startedAt = performance.now();
    const headers = readHeaders(request.headers);
    const log = this.#o.log.child({ ...(headers.delivery !== undefined && { delivery: headers.delivery }) });
    const deadline = new Deadline(this.#o.answerWithinMs, signal);
    const delivery: Delivery = { request, headers, log, signal: deadline.signal };
    let answer: Result;
    try {
      answer = await this.#answer(delivery);
    } catch (error) {
      log.error({ err: error }, "delivery failed");
      answer = { kind: "unavailable", reason: "an error in getabako; its log says more" };
    } finally {
      deadline.dispose();
    }
    if (answer === "gone") {
      log.debug("client left before it was answered");
      return answer;
    }
    this.#report(answer, delivery);
    const seconds = (performance.now() - startedAt) / 1_000;
    this.#o.metrics.answered({ event: headers.event, action: delivery.action, outcome: outcomeOf(answer), seconds });
    return answer;
  }

  async #answer(delivery: Delivery): Promise<Result> {
    const { request, headers, signal } = delivery;
    const refused = refuseByHead(request);
    if (refused !== undefined) return refused;
    if (!this.#o.hasSynced()) return { kind: "unavailable", reason: "the operator is starting and has not read everything yet" };
    const addressed = this.#o.apps.addressed(headers);
    if (addressed.apps === undefined) return { kind: "unknownApp", reason: addressed.hint };
    const signature = signatureOf(headers.signature);
    if (signature === undefined) return { kind: "badSignature", reason: unsigned };

    const body = await this.#o.bodies.read(request, signal);
    if (body.state === "gone") return "gone";
    if (body.state !== "read") return unreadBody[body.state];
    try {
      const verdict = await this.#o.apps.verify(addressed.apps, body.bytes, signature, signal);
      if (verdict.kind === "refused") return { kind: "badSignature", reason: wronglySigned };
      if (verdict.kind === "unreadable") return { kind: "unavailable", reason: verdict.reason };
      const answer = await this.#handle(delivery, body.bytes, verdict);
      // Nobody would hear of the job again: the App whose secret is on its way may have the target that covers it.
      if (answer.kind === "ignored" && verdict.unread !== undefined) return { kind: "unavailable", reason: verdict.unread };
      return answer;
    } finally {
      body.release();
    }
  }

  /** From here on the sender is known. */
  async #handle(delivery: Delivery, body: Uint8Array, { apps, host }: Pick<Origin, "apps" | "host">): Promise<Answer> {
    const { headers, log, signal } = delivery;
    const payload = parsePayload(body);
    if (payload === undefined) return { kind: "notJson", reason: "the body is not a JSON object" };
    if (headers.event === undefined) return { kind: "malformed", reason: "X-GitHub-Event is missing" };
    const event = readEvent(headers.event, payload);
    if (event.kind === "malformed") return { kind: "malformed", reason: event.reason };
    delivery.action = event.kind === "ping" ? undefined : event.action;
    const origin: Origin = { apps, host, source: "Webhook", deliveryId: headers.delivery };
    try {
      const { outcome, reason, request } = await this.#o.handler.handle(event, origin, { signal, log });
      return { kind: outcome, reason, request };
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
      delivery.cause = error.cause instanceof Error ? error.cause.message : error.message;
      return { kind: "unavailable", reason: error.message };
    }
  }

  #report(answer: Answer, { headers, log, cause }: Delivery): void {
    // What was written has its own line.
    if (answer.kind === "created" || answer.kind === "recorded") return;
    const facts = {
      status: statusOf(answer),
      reason: answer.reason,
      ...(headers.event !== undefined && { event: headers.event }),
      ...(headers.targetId !== undefined && { appId: headers.targetId }),
      ...(cause !== undefined && { cause }),
    };
    // A signed delivery that was lost is worth a line each time.
    const unsaid = cause !== undefined ? 0 : troubles.has(answer.kind) ? this.#warnings.due(answer.kind) : undefined;
    if (unsaid === undefined) log.debug(facts, "answered delivery");
    else log.warn({ ...facts, ...(unsaid > 0 && { alike: unsaid }) }, "refused delivery");
  }
}

/** Refusals that somebody has to do something about, here or in the App's settings. */
const troubles: ReadonlySet<AnswerKind> = new Set(["unavailable", "badSignature", "unknownApp", "wrongType", "malformed"]);

const unsigned = "X-Hub-Signature-256 is missing or no signature: set a webhook secret in the App's settings";
const wronglySigned = "X-Hub-Signature-256 fits none of the App's webhook secrets";

const unreadBody: Readonly<Record<Exclude<Body["state"], "read" | "gone">, Answer>> = {
  tooLarge: { kind: "tooLarge", reason: "the body exceeds 25 MB, GitHub's own limit" },
  tooSlow: { kind: "tooSlow", reason: "the body did not arrive in time" },
  crumbs: { kind: "malformed", reason: "the body came in too many small pieces" },
  busy: { kind: "unavailable", reason: "too many deliveries are being read at once" },
};

/** What the request line and the headers alone rule out. */
function refuseByHead(request: IncomingMessage): Answer | undefined {
  if ((request.url ?? "").split("?", 1)[0] !== "/webhook") {
    return { kind: "unknownPath", reason: "nothing is here; webhooks go to /webhook" };
  }
  if (request.method !== "POST") return { kind: "wrongMethod", reason: "webhooks come with POST" };
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return { kind: "wrongType", reason: "the body is compressed: GitHub sends JSON as it is, and nothing is unpacked here" };
  }
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") return undefined;
  return {
    kind: "wrongType",
    reason:
      type === "application/x-www-form-urlencoded"
        ? "the webhook sends a form: choose the content type application/json in its settings"
        : "the content type must be application/json",
  };
}
