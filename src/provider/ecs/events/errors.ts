import { ProviderError, type ProviderErrorCode } from "../../errors.ts";
import { AwsError, awsFacts } from "../aws-error.ts";
import { awsCause, toProviderError } from "../errors.ts";
import { quote } from "../quote.ts";
import type { QueuePlace } from "./sqs-clients.ts";

/** Reasons of toProviderError whose sentence is true of SQS too: they are about the operator's identity, not about a service. */
const identityReasons: readonly string[] = [
  "AssumeRoleDenied",
  "AccountBlocked",
  "SignatureRefused",
  "CredentialsExpired",
  "CredentialsRefused",
  "CredentialsMissing",
];

interface Rule {
  readonly names: RegExp;
  readonly code: ProviderErrorCode;
  readonly reason: string;
  readonly message: (queue: string, operation: string) => string;
}

/** What SQS alone says; the names are those of its JSON protocol and of the query protocol before it. */
const rules: readonly Rule[] = [
  {
    names: /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|InvalidAddress|QueueDeletedRecently)$/,
    code: "TargetNotReady",
    reason: "QueueNotFound",
    message: (queue) =>
      `queue ${queue} does not exist for these credentials: create it, or correct events.queueUrl, region and assumeRoleArn`,
  },
  {
    names: /^(KMS\.|Kms)/i,
    code: "Unauthorized",
    reason: "QueueKeyDenied",
    message: (queue) =>
      `queue ${queue} is encrypted with a KMS key that the operator's identity may not use: grant kms:Decrypt on it, and check that it is enabled`,
  },
  {
    names: /^(AccessDenied|AccessDeniedException|AWS\.SimpleQueueService\.AccessDenied)$/,
    code: "Unauthorized",
    reason: "QueueDenied",
    message: (queue, operation) =>
      `the operator's identity may not call sqs:${operation} on queue ${queue}: it needs sqs:ReceiveMessage and sqs:DeleteMessage`,
  },
  {
    names: /^(OverLimit|RequestThrottled|AWS\.SimpleQueueService\.OverLimit)$/,
    code: "Throttled",
    reason: "Throttled",
    message: (queue, operation) => `SQS asks for fewer ${operation} calls on queue ${queue}; it is repeated after a pause`,
  },
];

/** toQueueError translates whatever a call to SQS threw. The SDK's own error goes no further than here. */
export function toQueueError(thrown: unknown, operation: string, { queueUrl, connection }: QueuePlace): ProviderError {
  const facts = awsFacts(thrown);
  const queue = quote(queueUrl, 120);
  const own = rules.find(({ names }) => names.test(facts.name));
  if (own !== undefined) {
    return new ProviderError(own.code, own.message(queue, operation), { cause: new AwsError(facts, operation, own.reason) });
  }
  // The table of ECS knows what the network, proxies and AWS' common errors mean; only its sentences speak of ECS.
  const known = toProviderError(thrown, { operation, connection });
  const reason = awsCause(known)?.reason ?? "Unmapped";
  if (identityReasons.includes(reason)) return known;
  const retryAfterMs = known.retryAfterMs;
  return new ProviderError(
    known.code,
    `queue ${queue} gave no answer to ${operation} (${quote(facts.name, 60)}): check events.queueUrl, and the network's way to SQS`,
    { cause: known.cause, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  );
}
