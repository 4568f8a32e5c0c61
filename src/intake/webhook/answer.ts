import type { ServerResponse } from "node:http";
import { type ObjectKey, keyText } from "../../kube/object.ts";
import type { Outcome } from "../metrics.ts";

/**
 * answers is every way a request can end, with its status and the word for it in the body. GitHub calls a delivery failed unless it
 * was answered with 2xx, so everything that another delivery of the same event could mend is an error, and nothing else is.
 */
const answers = {
  created: [202, "created"],
  recorded: [202, "recorded"],
  exists: [200, "exists"],
  unchanged: [200, "unchanged"],
  ignored: [200, "ignored"],
  pong: [200, "pong"],
  notJson: [400, "rejected"],
  malformed: [400, "rejected"],
  badSignature: [401, "rejected"],
  unknownApp: [404, "rejected"],
  unknownPath: [404, "rejected"],
  wrongMethod: [405, "rejected"],
  tooSlow: [408, "rejected"],
  tooLarge: [413, "rejected"],
  wrongType: [415, "rejected"],
  unavailable: [503, "unavailable"],
} as const satisfies Record<string, readonly [number, Outcome]>;

export type AnswerKind = keyof typeof answers;

/** Answer is what a delivery is answered with. People read it in GitHub's list of deliveries. */
export interface Answer {
  readonly kind: AnswerKind;
  readonly reason?: string | undefined;
  readonly request?: ObjectKey | undefined;
}

/** statusOf is the HTTP status of an answer. */
export function statusOf({ kind }: Answer): number {
  return answers[kind][0];
}

/** outcomeOf is the word for an answer in its body and in the metrics. */
export function outcomeOf({ kind }: Answer): Outcome {
  return answers[kind][1];
}

/** writeAnswer puts an answer on the wire, all but the end of the response. */
export function writeAnswer(response: ServerResponse, answer: Answer, { close }: { readonly close: boolean }): void {
  const { reason, request } = answer;
  const body = `${JSON.stringify({
    outcome: outcomeOf(answer),
    ...(reason !== undefined && { reason }),
    ...(request !== undefined && { request: keyText(request) }),
  })}\n`;
  response.writeHead(statusOf(answer), {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...(answer.kind === "wrongMethod" && { allow: "POST" }),
    ...(close && { connection: "close" }),
  });
  response.write(body);
}
