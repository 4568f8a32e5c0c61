import type { Failure } from "@aws-sdk/client-ecs";
import type { ProviderErrorCode } from "../errors.ts";
import { AwsError } from "./aws-error.ts";
import { quote } from "./quote.ts";

/** FailureMeaning is what an entry of RunTask's `failures[]` tells the ladder. */
export interface FailureMeaning {
  /** InsufficientCapacity lets the ladder go on to the next rung; any other code ends the launch. */
  readonly code: Extract<ProviderErrorCode, "InsufficientCapacity" | "TargetNotReady" | "Internal">;
  /** As ECS names it, or our word for what it says in prose. */
  readonly reason: string;
  readonly message: string;
  /** Set where trying soon cannot help. */
  readonly retryAfterMs?: number;
}

interface Rule {
  readonly reason: RegExp;
  readonly code: FailureMeaning["code"];
  /** Replaces ECS' reason where that is prose. */
  readonly name?: string;
  readonly message: (failure: Failure) => string;
  readonly retryAfterMs?: number;
}

/** failureRules: RunTask answers 200 when it places nothing, and the reason decides what to do. The first row that fits counts. */
export const failureRules: readonly Rule[] = [
  {
    reason: /^Capacity is unavailable at this time/,
    code: "InsufficientCapacity",
    name: "CapacityUnavailable",
    message: () =>
      "Fargate has no capacity of this size in the class' zones at the moment; it is tried again, and subnets in more zones or another size help",
  },
  {
    reason: /number of vCPUs|vCPU (limit|quota)/i,
    code: "InsufficientCapacity",
    name: "QuotaExceeded",
    message: () => "the account's Fargate vCPU quota is used up: ask AWS for a higher one, or lower maxRunners",
    retryAfterMs: 60_000,
  },
  {
    reason: /^RESOURCE:ENI$/,
    code: "InsufficientCapacity",
    message: () => "no container instance has a network interface left: add instances, or turn ENI trunking on",
  },
  {
    reason: /^RESOURCE:/,
    code: "InsufficientCapacity",
    message: ({ reason }) =>
      `no container instance has enough ${quote(reason?.slice("RESOURCE:".length).toLowerCase(), 30)} left: add instances, or ask for less in resources`,
  },
  {
    reason: /^AGENT$/,
    code: "InsufficientCapacity",
    message: () =>
      "the ECS agent of the container instance is disconnected: check the instance, or replace it; it is tried again meanwhile",
  },
  {
    reason: /^ATTRIBUTE$/,
    code: "TargetNotReady",
    message: () =>
      "no container instance offers what the task definition asks for: compare platform, log driver and network mode with the instances",
  },
  {
    reason: /^LOCATION$/,
    code: "TargetNotReady",
    message: () => "the container instances are in other zones than network.subnets: choose subnets of their zones",
  },
  {
    reason: /^MISSING$/,
    code: "TargetNotReady",
    message: () => "ECS does not know the container instance: check the capacity provider's Auto Scaling group",
  },
  {
    reason: /^INACTIVE$/,
    code: "TargetNotReady",
    message: () => "the container instance was deregistered: check the capacity provider's Auto Scaling group",
  },
];

/** failureMeaning reads one entry of `failures[]`; an unknown reason is repeated and shown as ECS gives it. */
export function failureMeaning(failure: Failure): FailureMeaning {
  const text = failure.reason ?? "";
  const rule = failureRules.find((candidate) => candidate.reason.test(text));
  if (rule === undefined) {
    const said = [quote(text, 100), quote(failure.detail, 100)].filter((part) => part !== "").join(": ");
    return {
      code: "Internal",
      reason: quote(text, 100) || "Unknown",
      message: `ECS placed nothing, for a reason that has no rule here; it is repeated: ${said || "no reason given"}`,
    };
  }
  return {
    code: rule.code,
    reason: rule.name ?? quote(text, 100),
    message: rule.message(failure),
    ...(rule.retryAfterMs !== undefined && { retryAfterMs: rule.retryAfterMs }),
  };
}

/** failureCause is a failure as the cause of a ProviderError, beside the exceptions of AWS. */
export function failureCause({ reason, message }: Pick<FailureMeaning, "reason" | "message">): AwsError {
  const facts = { name: reason, text: message, httpStatus: 200, requestId: undefined, attempts: undefined, resourceIds: [] };
  return new AwsError({ ...facts, retryAfterMs: undefined }, "RunTask", reason);
}
