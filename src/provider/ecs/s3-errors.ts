import type { ProviderError } from "../errors.ts";
import type { AwsFacts } from "./aws-error.ts";
import { type CallFacts, type ErrorRule, errorRules, explain } from "./errors.ts";
import { quote } from "./quote.ts";

/** S3CallFacts say which call went wrong. */
export interface S3CallFacts extends CallFacts {
  readonly operation: "PutObject" | "DeleteObject";
  readonly bucket: string;
  readonly key: string;
}

const notFound = ["NoSuchBucket"];
const elsewhere = [
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
];
const denied = ["AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem"];
/** Rows of the table for ECS that are about the credentials and not about the service. */
const ofCredentials = errorRules.filter(({ reason }) =>
  ["AssumeRoleDenied", "SignatureRefused", "CredentialsExpired", "CredentialsRefused", "CredentialsMissing"].includes(reason),
);

/**
 * s3ErrorRules say what an error of S3, or on the way to it, means: the first row that fits counts. Nothing was started when an object
 * could not be put, and to put it again changes nothing, so whatever may pass is repeated.
 */
export const s3ErrorRules: readonly ErrorRule<S3CallFacts>[] = [
  {
    names: notFound,
    code: "TargetNotReady",
    reason: "NoSuchBucket",
    message: (_, { bucket, connection }) =>
      `bucket ${bucket} does not exist: create it in ${connection.region}, or correct jitConfigDelivery.s3.bucket`,
  },
  {
    names: elsewhere,
    code: "InvalidRequest",
    reason: "WrongRegion",
    message: inAnotherRegion,
  },
  {
    // S3 says it in the status alone when there is no body.
    status: (status) => status === 301 || status === 307,
    code: "InvalidRequest",
    reason: "WrongRegion",
    message: inAnotherRegion,
  },
  {
    names: ["InvalidBucketName"],
    code: "InvalidRequest",
    reason: "InvalidBucketName",
    message: (_, { bucket }) => `S3 takes ${bucket} for no bucket name: correct jitConfigDelivery.s3.bucket`,
  },
  ...ofCredentials,
  {
    names: ["InvalidAccessKeyId", "InvalidToken"],
    code: "Unauthorized",
    reason: "CredentialsRefused",
    message: () => "S3 does not know the operator's credentials: check AWS_ACCESS_KEY_ID or the role of the service account",
  },
  {
    names: ["KMS.ThrottlingException"],
    code: "Throttled",
    reason: "Throttled",
    message: () => "KMS asks for fewer calls; it is repeated after a pause",
  },
  {
    names: denied,
    text: /\bkms:/i,
    code: "Unauthorized",
    reason: "KmsDenied",
    message: (_, { bucket }) =>
      `the operator's identity may not encrypt for bucket ${bucket}: it needs kms:GenerateDataKey on the key, in its policy and in the key's own`,
  },
  {
    names: [
      "KMS.DisabledException",
      "KMS.InvalidArnException",
      "KMS.InvalidKeyUsageException",
      "KMS.InvalidStateException",
      "KMS.KMSInvalidStateException",
      "KMS.NotFoundException",
    ],
    code: "TargetNotReady",
    reason: "KmsKeyUnusable",
    message: kmsKeyUnusable,
  },
  {
    names: ["InvalidArgument", "InvalidRequest"],
    text: /kms/i,
    code: "TargetNotReady",
    reason: "KmsKeyUnusable",
    message: kmsKeyUnusable,
  },
  {
    names: denied,
    code: "Unauthorized",
    reason: "AccessDenied",
    message: mayNot,
  },
  {
    names: [
      "SlowDown",
      "ServiceUnavailable",
      "RequestLimitExceeded",
      "Throttling",
      "ThrottlingException",
      "TooManyRequestsException",
      "OperationAborted",
    ],
    code: "Throttled",
    reason: "Throttled",
    message: askedForFewer,
  },
  {
    status: (status) => status === 429 || status === 503,
    code: "Throttled",
    reason: "Throttled",
    message: askedForFewer,
  },
  {
    names: ["SyntaxError"],
    code: "Unavailable",
    reason: "NotAws",
    message: (_, { operation }) =>
      `the answer to ${operation} is not from S3: look for a proxy on the way, and check AWS_ENDPOINT_URL_S3`,
  },
  {
    names: ["ENOTFOUND", "EAI_AGAIN"],
    code: "Unavailable",
    reason: "AddressUnknown",
    message: (_, { connection }) =>
      `the address of S3 in ${connection.region} cannot be resolved: check region, AWS_ENDPOINT_URL_S3 and the cluster's DNS`,
  },
  {
    names: [
      "CERT_HAS_EXPIRED",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    ],
    code: "Unavailable",
    reason: "CertificateRefused",
    message: (_, { connection }) =>
      `the certificate of S3 in ${connection.region} is not trusted: set NODE_EXTRA_CA_CERTS for a proxy or an endpoint of your own`,
  },
  {
    names: ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"],
    code: "Unavailable",
    reason: "Unreachable",
    message: (_, { connection }) =>
      `S3 in ${connection.region} cannot be reached: check the network's way out or its S3 endpoint, and AWS_ENDPOINT_URL_S3`,
  },
  {
    names: [
      "ECONNRESET",
      "ECONNABORTED",
      "EPIPE",
      // The SDK's own word for an answer that did not come in time.
      "ETIMEDOUT",
      "TimeoutError",
      "AbortError",
      "NetworkingError",
      "RequestTimeout",
      "UND_ERR_SOCKET",
    ],
    code: "Unavailable",
    reason: "NoAnswer",
    message: (_, { operation, connection }) =>
      `no answer to ${operation} from S3 in ${connection.region}; it is repeated: should that go on, check the network's way out or its S3 endpoint`,
  },
  {
    names: ["InternalError"],
    code: "Unavailable",
    reason: "ServerError",
    message: failed,
  },
  {
    status: (status) => status >= 500,
    code: "Unavailable",
    reason: "ServerError",
    message: failed,
  },
  {
    status: (status) => status === 401 || status === 403,
    code: "Unauthorized",
    reason: "AccessDenied",
    message: mayNot,
  },
];

const unmapped: ErrorRule<S3CallFacts> = {
  code: "Internal",
  reason: "Unmapped",
  message: (facts, { operation }) =>
    `S3 answered ${operation} with ${quote(facts.name, 60)}, which has no rule here; it is repeated: ${quote(facts.text)}`,
};

/** toS3Error translates whatever a call to S3 threw. */
export function toS3Error(thrown: unknown, call: S3CallFacts): ProviderError {
  return explain(thrown, call, s3ErrorRules, unmapped);
}

function inAnotherRegion(_: AwsFacts, { bucket, connection }: S3CallFacts): string {
  return `bucket ${bucket} is not in ${connection.region}: name one of the class' own Region in jitConfigDelivery.s3.bucket`;
}

function kmsKeyUnusable(_: AwsFacts, { bucket, connection }: S3CallFacts): string {
  return `the KMS key for bucket ${bucket} cannot be used: it must exist in ${connection.region}, be enabled, and be a symmetric key for encryption; check jitConfigDelivery.s3.kmsKeyArn and the bucket's default`;
}

function mayNot(_: AwsFacts, { operation, bucket, key }: S3CallFacts): string {
  const prefix = key.slice(0, key.lastIndexOf("/") + 1);
  return `the operator's identity may not call s3:${operation} for ${bucket}/${prefix}*: allow s3:PutObject and s3:DeleteObject there, and look for a bucket policy that denies them`;
}

function askedForFewer(_: AwsFacts, { operation }: S3CallFacts): string {
  return `S3 asks for fewer ${operation} calls; it is repeated after a pause`;
}

function failed(_: AwsFacts, { operation, connection }: S3CallFacts): string {
  return `S3 in ${connection.region} failed at ${operation}; it is repeated`;
}
