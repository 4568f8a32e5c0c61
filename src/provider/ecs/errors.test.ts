import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { ProviderErrorCode } from "../errors.ts";
import type { EcsConnection } from "./connection.ts";
import { awsCause, errorRules, toProviderError } from "./errors.ts";

const connection: EcsConnection = { region: "eu-west-1", cluster: "runners", assumeRoleArn: "arn:aws:iam::123456789012:role/ci" };

interface Thrown {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly httpStatus?: number;
  readonly operation?: string;
}

function thrown({ name = "Error", message = "", code, httpStatus }: Thrown): Error {
  return Object.assign(new Error(message), {
    name,
    ...(code !== undefined && { code }),
    ...(httpStatus !== undefined && { $metadata: { httpStatusCode: httpStatus, requestId: "11111111-2222", attempts: 2 } }),
  });
}

function translate(facts: Thrown) {
  return toProviderError(thrown(facts), { operation: facts.operation ?? "RunTask", connection });
}

// Every row of the table has at least one line here; the last test sees to it.
const table: readonly (readonly [Thrown, ProviderErrorCode, string, RegExp])[] = [
  [{ name: "ConflictException" }, "Internal", "TokenInUse", /looked up/],
  [
    { name: "ClientException", message: "You've reached the limit on the number of vCPUs you can run concurrently" },
    "InsufficientCapacity",
    "QuotaExceeded",
    /vCPU quota in eu-west-1/,
  ],
  [{ name: "LimitExceededException", message: "vCPU quota exceeded" }, "InsufficientCapacity", "QuotaExceeded", /higher/],
  [
    { name: "ClientException", message: "You've reached the limit on the number of tasks you can run in the PROVISIONING state" },
    "InsufficientCapacity",
    "QuotaExceeded",
    /Auto Scaling/,
  ],
  [{ name: "ClientException", message: "TaskDefinition not found." }, "TargetNotReady", "TaskDefinitionNotFound", /register it/],
  [{ name: "ClientException", message: "TaskDefinition is inactive" }, "TargetNotReady", "TaskDefinitionNotFound", /inactive/],
  [
    { name: "InvalidParameterException", message: "Task definition does not exist" },
    "TargetNotReady",
    "TaskDefinitionNotFound",
    /register it/,
  ],
  [
    { name: "ClientException", message: "Role is not valid", operation: "RegisterTaskDefinition" },
    "InvalidRequest",
    "RoleInvalid",
    /executionRoleArn.*\(Role is not valid\)/,
  ],
  [
    {
      name: "ClientException",
      message: "No Fargate configuration exists for given values: 1 CPU, 2 memory.",
      operation: "RegisterTaskDefinition",
    },
    "InvalidRequest",
    "TaskDefinitionInvalid",
    /No Fargate configuration/,
  ],
  [
    { name: "InvalidParameterException", message: "The specified capacity provider 'x' was not found." },
    "TargetNotReady",
    "CapacityProviderMissing",
    /associate it with the cluster/,
  ],
  [
    { name: "InvalidParameterException", message: "The subnet ID 'subnet-1' does not exist" },
    "InvalidRequest",
    "NetworkInvalid",
    /network\.subnets/,
  ],
  [
    { name: "InvalidParameterException", message: "Container Overrides length must be at most 8192" },
    "InvalidRequest",
    "InvalidParameter",
    /8192/,
  ],
  [
    { name: "ClusterNotFoundException", message: "Cluster not found." },
    "TargetNotReady",
    "ClusterNotFound",
    /cluster runners does not exist in eu-west-1/,
  ],
  [
    { name: "AccessDenied", message: "User: x is not authorized to perform: sts:AssumeRole on resource: y" },
    "Unauthorized",
    "AssumeRoleDenied",
    /role\/ci.*trust policy/,
  ],
  [
    { name: "AccessDeniedException", message: "User: x is not authorized to perform: iam:PassRole on resource: y" },
    "Unauthorized",
    "PassRoleDenied",
    /iam:PassRole/,
  ],
  [
    { name: "AccessDeniedException", message: "User: x is not authorized to perform: ecs:RunTask" },
    "Unauthorized",
    "AccessDenied",
    /ecs:RunTask in cluster runners/,
  ],
  [{ name: "BlockedException" }, "Unauthorized", "AccountBlocked", /Support/],
  [{ name: "InvalidSignatureException" }, "Unauthorized", "SignatureRefused", /clock/],
  [{ name: "ExpiredTokenException" }, "Unauthorized", "CredentialsExpired", /renew/],
  [{ name: "UnrecognizedClientException" }, "Unauthorized", "CredentialsRefused", /AWS_ACCESS_KEY_ID/],
  [
    { name: "CredentialsProviderError", message: "Could not load credentials from any providers" },
    "Unauthorized",
    "CredentialsMissing",
    /IRSA/,
  ],
  [{ name: "PlatformUnknownException" }, "InvalidRequest", "PlatformUnsupported", /platform/],
  [{ name: "PlatformTaskDefinitionIncompatibilityException" }, "InvalidRequest", "PlatformUnsupported", /platform/],
  [{ name: "UnsupportedFeatureException" }, "InvalidRequest", "PlatformUnsupported", /eu-west-1/],
  [
    { name: "LimitExceededException", operation: "RegisterTaskDefinition" },
    "Throttled",
    "QuotaExceeded",
    /RegisterTaskDefinition/,
  ],
  [{ name: "ThrottlingException", message: "Rate exceeded", httpStatus: 400 }, "Throttled", "Throttled", /fewer RunTask/],
  [{ name: "Unknown", httpStatus: 429 }, "Throttled", "Throttled", /fewer/],
  [{ name: "SyntaxError", message: "Unexpected token '<', \"<html>\"", httpStatus: 502 }, "Unavailable", "NotAws", /proxy/],
  [{ code: "ENOTFOUND", message: "getaddrinfo ENOTFOUND" }, "Unavailable", "AddressUnknown", /region, endpoint/],
  [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, "Unavailable", "CertificateRefused", /NODE_EXTRA_CA_CERTS/],
  [{ code: "ECONNREFUSED" }, "Unavailable", "Unreachable", /cannot be reached/],
  [{ name: "TimeoutError", code: "ECONNRESET" }, "Unavailable", "NoAnswer", /outcome is unknown/],
  [{ name: "TimeoutError" }, "Unavailable", "NoAnswer", /outcome is unknown/],
  [{ name: "ServerException", httpStatus: 500 }, "Unavailable", "ServerError", /outcome is unknown/],
  [{ name: "Unknown", httpStatus: 503 }, "Unavailable", "ServerError", /failed at RunTask/],
  [{ name: "ForbiddenException", httpStatus: 403 }, "Unauthorized", "AccessDenied", /ForbiddenException/],
  [{ name: "BrandNewException", message: "who knows", httpStatus: 400 }, "Internal", "Unmapped", /BrandNewException.*who knows/],
  [{ name: "ClientException", message: "something else" }, "Internal", "Unmapped", /something else/],
];

test.each(table)("%j is %s, %s", (facts, code, reason, message) => {
  const error = translate(facts);
  expect(error).toMatchObject({ name: "ProviderError", code });
  expect(error.message).toMatch(message);
  expect(awsCause(error)).toMatchObject({ reason, operation: facts.operation ?? "RunTask" });
});

test("every row of the table has a line above", () => {
  const reached = new Set(
    table.map(([facts]) => {
      const { reason } = awsCause(translate(facts)) ?? {};
      return errorRules.findIndex((rule) => rule.reason === reason && rule.message !== undefined && matches(rule, facts));
    }),
  );
  expect(errorRules.map((rule, index) => (reached.has(index) ? undefined : rule.reason)).filter(Boolean)).toEqual([]);
});

function matches(
  rule: (typeof errorRules)[number],
  { name = "Error", message = "", code, httpStatus, operation = "RunTask" }: Thrown,
) {
  const known = code !== undefined && (name === "Error" || name === "TimeoutError") ? code : name;
  return (
    (rule.names?.includes(known) ?? true) &&
    (rule.text?.test(message) ?? true) &&
    (rule.operations?.includes(operation) ?? true) &&
    (rule.status === undefined || (httpStatus !== undefined && rule.status(httpStatus)))
  );
}

test("every message is a sentence of at most 300 characters that does not end in a full stop, whatever AWS says", () => {
  for (const [facts] of table) {
    const { message } = translate({ ...facts, message: `${facts.message ?? ""} ${"and so on ".repeat(200)}` });
    expect(message.length).toBeLessThanOrEqual(300);
    expect(message).toMatch(/^(\S+ ){3}/);
  }
});

test("Retry-After is told to the caller", () => {
  const error = Object.assign(new Error("Rate exceeded"), {
    name: "ThrottlingException",
    $response: { headers: { "retry-after": "7" } },
  });
  expect(toProviderError(error, { operation: "RunTask", connection }).retryAfterMs).toBe(7_000);
});

test("a quota is tried again after a minute at the earliest", () => {
  expect(translate({ name: "LimitExceededException" }).retryAfterMs).toBe(60_000);
});

test("the tasks that a conflict names are kept", () => {
  const error = Object.assign(new Error("conflict"), { name: "ConflictException", resourceIds: ["arn:aws:ecs:task/1", 7] });
  expect(awsCause(toProviderError(error, { operation: "RunTask", connection }))?.resourceIds).toEqual(["arn:aws:ecs:task/1"]);
});

describe("what goes into logs", () => {
  const secret = "c2VjcmV0".repeat(20);
  const hostile = Object.assign(new Error(`field overrides has ${secret}`), {
    name: "InvalidParameterException",
    $metadata: { httpStatusCode: 400, requestId: "r-1", attempts: 1 },
    $response: { headers: {}, body: secret },
    request: { headers: { authorization: secret } },
  });

  test("holds nothing of the SDK's error but its name, status, request id and a cut message", () => {
    const error = toProviderError(hostile, { operation: "RunTask", connection });
    expect(inspect(error, { depth: 20, showHidden: true, maxStringLength: null })).not.toContain(secret.slice(0, 20));
    expect(awsCause(error)).toMatchObject({ name: "InvalidParameterException", httpStatus: 400, requestId: "r-1" });
  });

  test("holds no message of a signature error, which quotes signed headers", () => {
    const message = "The Canonical String for this request should have been 'POST x-amz-security-token:short'";
    const error = translate({ name: "InvalidSignatureException", message });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("security-token");
  });
});

test("values that are no errors are Internal", () => {
  for (const value of [undefined, null, "text", 7, {}]) {
    expect(toProviderError(value, { operation: "RunTask", connection }).code).toBe("Internal");
  }
});

// The exceptions that the ECS API reference names for our calls, and those of every AWS API.
const documented = [
  ...["AccessDeniedException", "BlockedException", "ClusterNotFoundException", "ConflictException", "InvalidParameterException"],
  ...["LimitExceededException", "PlatformTaskDefinitionIncompatibilityException", "PlatformUnknownException", "ServerException"],
  ...["UnsupportedFeatureException", "ThrottlingException", "ExpiredTokenException", "UnrecognizedClientException"],
  ...["InvalidSignatureException", "ServiceUnavailable", "InternalFailure", "OptInRequired", "RequestExpired"],
  ...["IncompleteSignature", "InvalidClientTokenId", "MissingAuthenticationToken"],
];

test.each(documented)("the documented %s has a rule, and its sentence a next step or the promise of a repetition", (name) => {
  const error = translate({ name });
  expect(awsCause(error)?.reason).not.toBe("Unmapped");
  expect(error.message).toMatch(
    /: (add|ask|associate|change|check|correct|create|give|renew|set|both must exist)|correct the class:|repeated/,
  );
});

test("an error that nobody knows is repeated, and shown in AWS' words, cut", () => {
  const error = translate({ name: "BrandNewException", message: "who knows ".repeat(100) });
  expect(error).toMatchObject({ code: "Internal" });
  expect(error.message).toMatch(/BrandNewException.*it is repeated: who knows/);
  expect(error.message.length).toBeLessThanOrEqual(300);
});
