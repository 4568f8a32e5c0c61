import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { ProviderErrorCode } from "../errors.ts";
import { awsCause } from "./errors.ts";
import { type S3CallFacts, s3ErrorRules, toS3Error } from "./s3-errors.ts";

const call: S3CallFacts = {
  operation: "PutObject",
  connection: { region: "eu-west-1", cluster: "runners", assumeRoleArn: "arn:aws:iam::123456789012:role/ci" },
  bucket: "handover",
  key: "getabako/a.env",
};

interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly httpStatus?: number;
}

function translate({ name = "Error", message = "", code, httpStatus }: Thrown) {
  const thrown = Object.assign(new Error(message), {
    name,
    ...(code !== undefined && { code }),
    ...(httpStatus !== undefined && { $metadata: { httpStatusCode: httpStatus } }),
  });
  return toS3Error(thrown, call);
}

const kmsDenied =
  "User: arn:aws:sts::123456789012:assumed-role/ci/getabako is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:123456789012:key/1";

// Every row of the table has at least one line here; the last test sees to it.
const table: readonly (readonly [Thrown, ProviderErrorCode, string, RegExp])[] = [
  [
    { name: "NoSuchBucket", httpStatus: 404 },
    "TargetNotReady",
    "NoSuchBucket",
    /handover does not exist: create it in eu-west-1/,
  ],
  [{ name: "PermanentRedirect", httpStatus: 301 }, "InvalidRequest", "WrongRegion", /handover is not in eu-west-1/],
  [{ name: "AuthorizationHeaderMalformed", httpStatus: 400 }, "InvalidRequest", "WrongRegion", /own Region/],
  [{ name: "301", httpStatus: 301 }, "InvalidRequest", "WrongRegion", /own Region/],
  [{ name: "InvalidBucketName", httpStatus: 400 }, "InvalidRequest", "InvalidBucketName", /correct jitConfigDelivery/],
  [
    { name: "AccessDenied", message: "User x is not authorized to perform: sts:AssumeRole on y" },
    "Unauthorized",
    "AssumeRoleDenied",
    /role\/ci.*trust policy/,
  ],
  [{ name: "SignatureDoesNotMatch", httpStatus: 403 }, "Unauthorized", "SignatureRefused", /clock/],
  [{ name: "ExpiredToken", httpStatus: 400 }, "Unauthorized", "CredentialsExpired", /renew/],
  [{ name: "InvalidClientTokenId" }, "Unauthorized", "CredentialsRefused", /AWS_ACCESS_KEY_ID/],
  [{ name: "CredentialsProviderError" }, "Unauthorized", "CredentialsMissing", /Pod Identity/],
  [{ name: "InvalidAccessKeyId", httpStatus: 403 }, "Unauthorized", "CredentialsRefused", /AWS_ACCESS_KEY_ID/],
  [{ name: "KMS.ThrottlingException" }, "Throttled", "Throttled", /KMS/],
  [{ name: "AccessDenied", message: kmsDenied, httpStatus: 403 }, "Unauthorized", "KmsDenied", /kms:GenerateDataKey/],
  [{ name: "KMS.DisabledException", httpStatus: 400 }, "TargetNotReady", "KmsKeyUnusable", /enabled/],
  [{ name: "InvalidArgument", message: "Invalid KMS key ARN", httpStatus: 400 }, "TargetNotReady", "KmsKeyUnusable", /kmsKeyArn/],
  [
    { name: "AccessDenied", message: "Access Denied", httpStatus: 403 },
    "Unauthorized",
    "AccessDenied",
    /s3:PutObject for handover\/getabako\/\*: allow s3:PutObject and s3:DeleteObject/,
  ],
  [{ name: "SlowDown", httpStatus: 503 }, "Throttled", "Throttled", /fewer PutObject/],
  [{ name: "Error", httpStatus: 429 }, "Throttled", "Throttled", /pause/],
  [{ name: "SyntaxError", httpStatus: 200 }, "Unavailable", "NotAws", /proxy/],
  [{ code: "ENOTFOUND" }, "Unavailable", "AddressUnknown", /DNS/],
  [{ code: "SELF_SIGNED_CERT_IN_CHAIN" }, "Unavailable", "CertificateRefused", /NODE_EXTRA_CA_CERTS/],
  [{ code: "ECONNREFUSED" }, "Unavailable", "Unreachable", /S3 endpoint/],
  [{ name: "TimeoutError", code: "ECONNRESET" }, "Unavailable", "NoAnswer", /no answer to PutObject/],
  [{ name: "TimeoutError", code: "ETIMEDOUT" }, "Unavailable", "NoAnswer", /way out/],
  [{ name: "InternalError", httpStatus: 500 }, "Unavailable", "ServerError", /repeated/],
  [{ name: "Whatever", httpStatus: 502 }, "Unavailable", "ServerError", /repeated/],
  [{ name: "Whatever", httpStatus: 403 }, "Unauthorized", "AccessDenied", /allow s3:PutObject/],
  [{ name: "BrandNew", message: "what is this", httpStatus: 400 }, "Internal", "Unmapped", /BrandNew.*what is this/],
];

test.each(table)("%j is %s (%s)", (facts, code, reason, message) => {
  const error = translate(facts);
  expect(error).toMatchObject({ name: "ProviderError", code });
  expect(error.message).toMatch(message);
  expect(error.message.length).toBeLessThanOrEqual(300);
  expect(awsCause(error)).toMatchObject({ reason, operation: "PutObject" });
});

test("every row of the table has a line above", () => {
  const reached = new Set(
    table.map(([facts]) => {
      const { reason } = awsCause(translate(facts)) ?? {};
      return s3ErrorRules.findIndex((rule) => rule.reason === reason && matches(rule, facts));
    }),
  );
  expect(s3ErrorRules.map((rule, index) => (reached.has(index) ? undefined : rule.reason)).filter(Boolean)).toEqual([]);
});

function matches(rule: (typeof s3ErrorRules)[number], { name = "Error", message = "", code, httpStatus }: Thrown): boolean {
  return (
    (rule.names === undefined || rule.names.includes(code ?? name)) &&
    (rule.text === undefined || rule.text.test(message)) &&
    (rule.status === undefined || (httpStatus !== undefined && rule.status(httpStatus)))
  );
}

test("what a message of S3 quotes of the request stays out of the error", () => {
  const secret = "A".repeat(200);
  const error = translate({ name: "BrandNew", message: `body ${secret}`, httpStatus: 400 });
  expect(inspect(error, { depth: 10, showHidden: true }).includes(secret)).toBe(false);
});
