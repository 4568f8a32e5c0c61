import { ProviderError, type ProviderErrorCode } from "../errors.ts";
import { AwsError, type AwsFacts, awsFacts } from "./aws-error.ts";
import type { EcsConnection } from "./connection.ts";
import { quote } from "./quote.ts";

/** CallFacts says which call went wrong, and where. */
export interface CallFacts {
  /** The API operation: RunTask. */
  readonly operation: string;
  readonly connection: EcsConnection;
}

/** ErrorRule is one row of a table of errors. */
export interface ErrorRule<Call extends CallFacts = CallFacts> {
  /** Names of the error: an AWS exception, a Node error code, or a class of the SDK. */
  readonly names?: readonly string[];
  readonly text?: RegExp;
  readonly operations?: readonly string[];
  readonly status?: (status: number) => boolean;
  readonly code: ProviderErrorCode;
  /** Our word for the case; code asks for it, people read it. */
  readonly reason: string;
  readonly message: (facts: AwsFacts, call: Call) => string;
  readonly retryAfterMs?: number;
}

const register = "RegisterTaskDefinition";
const client = ["ClientException"];
const invalid = ["InvalidParameterException"];

/**
 * errorRules say what an error of AWS, or on the way to it, means: the first row that fits counts. What no row knows is Internal and
 * is repeated. AWS' own words are quoted only where they are all that is known about a wrong field.
 */
export const errorRules: readonly ErrorRule[] = [
  {
    names: ["ConflictException"],
    code: "Internal",
    reason: "TokenInUse",
    message: () => "the launch was made before with other parameters, and ECS names no task of it; it is looked up and repeated",
  },
  {
    text: /number of vCPUs|vCPU (limit|quota)/i,
    code: "InsufficientCapacity",
    reason: "QuotaExceeded",
    message: (_, call) =>
      `the account's Fargate vCPU quota in ${call.connection.region} is used up: ask AWS for a higher one, or lower maxRunners`,
    retryAfterMs: 60_000,
  },
  {
    names: client,
    text: /PROVISIONING/,
    code: "InsufficientCapacity",
    reason: "QuotaExceeded",
    message: (_, call) =>
      `cluster ${call.connection.cluster} has as many tasks waiting for instances as ECS allows: let its Auto Scaling group grow, or lower maxRunners`,
    retryAfterMs: 60_000,
  },
  {
    names: [...client, ...invalid],
    text: /task ?definition.*(not found|inactive|does not exist)|unable to describe task definition/i,
    code: "TargetNotReady",
    reason: "TaskDefinitionNotFound",
    message: () => "the task definition does not exist or is inactive: register it again, or name another one in taskDefinition",
  },
  {
    names: [...client, ...invalid],
    text: /role/i,
    operations: [register],
    code: "InvalidRequest",
    reason: "RoleInvalid",
    message: (facts) =>
      `ECS refuses a role of the class: check executionRoleArn and taskRoleArn, and that ecs-tasks.amazonaws.com may assume them (${quote(facts.text)})`,
  },
  {
    names: [...client, ...invalid],
    operations: [register],
    code: "InvalidRequest",
    reason: "TaskDefinitionInvalid",
    message: (facts) => `ECS refuses the class' task definition, correct the class: ${quote(facts.text, 180)}`,
  },
  {
    names: invalid,
    text: /capacity ?provider/i,
    code: "TargetNotReady",
    reason: "CapacityProviderMissing",
    message: (facts, call) =>
      `a capacity provider of the ladder cannot be used in cluster ${call.connection.cluster}: associate it with the cluster (${quote(facts.text)})`,
  },
  {
    names: invalid,
    text: /subnet|security ?group/i,
    code: "InvalidRequest",
    reason: "NetworkInvalid",
    message: (facts) =>
      `ECS refuses network.subnets or network.securityGroups: both must exist, in one VPC (${quote(facts.text)})`,
  },
  {
    names: invalid,
    code: "InvalidRequest",
    reason: "InvalidParameter",
    message: (facts, call) => `ECS refuses ${call.operation}, correct the class: ${quote(facts.text, 180)}`,
  },
  {
    names: ["ClusterNotFoundException"],
    code: "TargetNotReady",
    reason: "ClusterNotFound",
    message: (_, call) =>
      `cluster ${call.connection.cluster} does not exist in ${call.connection.region}, or is inactive: create it, or correct cluster, region and assumeRoleArn`,
  },
  {
    text: /sts:AssumeRole/i,
    code: "Unauthorized",
    reason: "AssumeRoleDenied",
    message: (_, call) =>
      `the operator may not assume ${call.connection.assumeRoleArn ?? "the role"}: its trust policy must name the operator's identity, and that identity needs sts:AssumeRole`,
  },
  {
    names: ["AccessDeniedException"],
    text: /iam:PassRole/i,
    code: "Unauthorized",
    reason: "PassRoleDenied",
    message: () =>
      "the operator's identity needs iam:PassRole for the execution and task roles of the class: add it to its policy, with ecs-tasks.amazonaws.com as iam:PassedToService",
  },
  {
    names: ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "OptInRequired"],
    code: "Unauthorized",
    reason: "AccessDenied",
    message: (_, call) =>
      `the operator's identity may not call ecs:${call.operation} in cluster ${call.connection.cluster}: add it to its policy; passing roles and tags needs iam:PassRole and ecs:TagResource`,
  },
  {
    names: ["BlockedException"],
    code: "Unauthorized",
    reason: "AccountBlocked",
    message: () => "AWS has blocked the account: ask AWS Support",
  },
  {
    names: ["InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestExpired"],
    code: "Unauthorized",
    reason: "SignatureRefused",
    message: () => "AWS refuses the operator's signature: check the secret key, and the clock of the node",
  },
  {
    names: ["ExpiredTokenException", "ExpiredToken", "TokenRefreshRequired"],
    code: "Unauthorized",
    reason: "CredentialsExpired",
    message: () => "the operator's AWS credentials have expired: renew them, or use a role for the service account",
  },
  {
    names: [
      "UnrecognizedClientException",
      "InvalidClientTokenId",
      "IncompleteSignature",
      "MissingAuthenticationToken",
      "MissingAuthenticationTokenException",
      "InvalidIdentityToken",
    ],
    code: "Unauthorized",
    reason: "CredentialsRefused",
    message: () => "AWS does not know the operator's credentials: check AWS_ACCESS_KEY_ID or the role of the service account",
  },
  {
    names: ["CredentialsProviderError", "TokenProviderError"],
    code: "Unauthorized",
    reason: "CredentialsMissing",
    message: () =>
      "the operator finds no AWS credentials: give its service account a role (IRSA, Pod Identity), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  },
  {
    names: ["PlatformUnknownException", "PlatformTaskDefinitionIncompatibilityException", "UnsupportedFeatureException"],
    code: "InvalidRequest",
    reason: "PlatformUnsupported",
    message: (_, call) =>
      `Fargate in ${call.connection.region} cannot run this combination of platform, size and features: change platform or resources of the class`,
  },
  {
    names: ["LimitExceededException", "ServiceQuotaExceededException"],
    code: "Throttled",
    reason: "QuotaExceeded",
    message: (_, call) => `a quota of the account is used up (${call.operation}): ask AWS for a higher one`,
    retryAfterMs: 60_000,
  },
  {
    names: [
      "ThrottlingException",
      "Throttling",
      "TooManyRequestsException",
      "RequestLimitExceeded",
      "SlowDown",
      "RequestThrottled",
    ],
    code: "Throttled",
    reason: "Throttled",
    message: (_, call) => `AWS asks for fewer ${call.operation} calls in this account; it is repeated after a pause`,
  },
  {
    status: (status) => status === 429,
    code: "Throttled",
    reason: "Throttled",
    message: (_, call) => `something before AWS asks for fewer ${call.operation} calls; it is repeated after a pause`,
  },
  {
    names: ["SyntaxError"],
    code: "Unavailable",
    reason: "NotAws",
    message: (_, call) =>
      `the answer to ${call.operation} is not from ECS${where(call)}: look for a proxy on the way, and check endpoint`,
  },
  {
    names: ["ENOTFOUND", "EAI_AGAIN"],
    code: "Unavailable",
    reason: "AddressUnknown",
    message: (_, call) =>
      `the address of ECS in ${call.connection.region} cannot be resolved${where(call)}: check region, endpoint and the cluster's DNS`,
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
    message: (_, call) =>
      `the certificate of ECS in ${call.connection.region} is not trusted${where(call)}: set NODE_EXTRA_CA_CERTS for a proxy or an endpoint of your own`,
  },
  {
    names: ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"],
    code: "Unavailable",
    reason: "Unreachable",
    message: (_, call) =>
      `ECS in ${call.connection.region} cannot be reached${where(call)}: check endpoint, and the network's way out`,
  },
  {
    names: ["ECONNRESET", "ECONNABORTED", "EPIPE", "TimeoutError", "AbortError", "NetworkingError", "UND_ERR_SOCKET"],
    code: "Unavailable",
    reason: "NoAnswer",
    message: (_, call) =>
      `no answer to ${call.operation} from ECS in ${call.connection.region}, so its outcome is unknown; it is repeated`,
  },
  {
    names: ["ServerException", "InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException"],
    code: "Unavailable",
    reason: "ServerError",
    message: (_, call) =>
      `ECS in ${call.connection.region} failed at ${call.operation}, so its outcome is unknown; it is repeated`,
  },
  {
    status: (status) => status >= 500,
    code: "Unavailable",
    reason: "ServerError",
    message: (_, call) =>
      `ECS in ${call.connection.region} failed at ${call.operation}, so its outcome is unknown; it is repeated`,
  },
  {
    status: (status) => status === 403,
    code: "Unauthorized",
    reason: "AccessDenied",
    message: (facts, call) =>
      `AWS refuses ecs:${call.operation} (${quote(facts.name, 60)}): check the policy of the operator's identity`,
  },
];

const unmapped: ErrorRule = {
  code: "Internal",
  reason: "Unmapped",
  message: (facts, call) =>
    `ECS answered ${call.operation} with ${quote(facts.name, 60)}, which has no rule here; it is repeated: ${quote(facts.text)}`,
};

/** toProviderError translates whatever a call to ECS threw. The SDK's own error goes no further than here. */
export function toProviderError(thrown: unknown, call: CallFacts): ProviderError {
  return explain(thrown, call, errorRules, unmapped);
}

/** explain looks what was thrown up in a table; `otherwise` stands for what no row knows. */
export function explain<Call extends CallFacts>(
  thrown: unknown,
  call: Call,
  rules: readonly ErrorRule<Call>[],
  otherwise: ErrorRule<Call>,
): ProviderError {
  const facts = awsFacts(thrown);
  const rule = rules.find((candidate) => fits(candidate, facts, call)) ?? otherwise;
  const retryAfterMs = facts.retryAfterMs ?? rule.retryAfterMs;
  return new ProviderError(rule.code, rule.message(facts, call), {
    cause: new AwsError(facts, call.operation, rule.reason),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** awsCause is the AWS side of a ProviderError, where it has one. */
export function awsCause(error: unknown): AwsError | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof AwsError ? cause : undefined;
}

function fits(rule: Omit<ErrorRule<never>, "message">, facts: AwsFacts, call: CallFacts): boolean {
  return (
    (rule.names === undefined || rule.names.includes(facts.name)) &&
    (rule.text === undefined || rule.text.test(facts.text)) &&
    (rule.operations === undefined || rule.operations.includes(call.operation)) &&
    (rule.status === undefined || (facts.httpStatus !== undefined && rule.status(facts.httpStatus)))
  );
}

function where({ connection }: CallFacts): string {
  return connection.endpoint === undefined ? "" : ` at ${quote(connection.endpoint, 80)}`;
}
